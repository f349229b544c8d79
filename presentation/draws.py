"""Draws of joint paths as a long table, streamed series by series as CSV or Parquet."""

import io
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from forecasting.data.months import MONTHS_PER_YEAR, first_day, month_number, month_text
from forecasting.types import RealArray
from store.models import ResolvedSeries

if TYPE_CHECKING:
    import pyarrow as pa

Layout = Literal["plain", "hubverse"]
MODEL = "tradewind"


class SeriesDraws(NamedTuple):
    """Draws of a series, shape (draws, steps); the first step is the month number `first`."""

    series: ResolvedSeries
    first: int
    values: RealArray


def plain_table(found: SeriesDraws) -> "pa.Table":
    """Columns draw, series, month, value; the same draw is the same future in every series."""
    draws, steps = found.values.shape
    months = [month_text(found.first + step) for step in range(steps)]
    return _table(
        {
            "draw": np.repeat(np.arange(1, draws + 1, dtype=np.int32), steps),
            "series": np.full(draws * steps, found.series.unique_id),
            "month": np.tile(months, draws),
            "value": _values(found),
        }
    )


def hubverse_table(found: SeriesDraws, reference: date) -> "pa.Table":
    """The model output of the hubverse, output type `sample`: a target is a flow and a sector, a location a partner."""
    draws, steps = found.values.shape
    count = draws * steps
    ahead = found.first - month_number(reference.year, reference.month)
    return _table(
        {
            "model_id": np.full(count, MODEL),
            "reference_date": np.full(count, reference.isoformat()),
            "target": np.full(count, f"{found.series.flow} {found.series.sector}"),
            "horizon": np.tile(np.arange(ahead, ahead + steps, dtype=np.int32), draws),
            "location": np.full(count, found.series.partner),
            "target_end_date": np.tile([_last_day(found.first + step) for step in range(steps)], draws),
            "output_type": np.full(count, "sample"),
            "output_type_id": np.repeat(np.arange(1, draws + 1, dtype=np.int32), steps),
            "value": _values(found),
        }
    )


def csv_stream(tables: Iterable["pa.Table"]) -> Iterator[bytes]:
    """Tables of one schema as one CSV, in parts."""
    from pyarrow import csv  # noqa: PLC0415 - slow to import and rarely needed

    options = csv.WriteOptions(quoting_style="none")
    return _stream(tables, lambda sink, schema: csv.CSVWriter(sink, schema, write_options=options))


def parquet_stream(tables: Iterable["pa.Table"]) -> Iterator[bytes]:
    """Tables of one schema as one Parquet file, a row group each, in parts."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    return _stream(tables, pq.ParquetWriter)


class _Sink(io.RawIOBase):
    """Holds written bytes until they are taken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def write(self, data: Any, /) -> int:
        part = bytes(data)
        self.parts.append(part)
        self.position += len(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


def _stream(tables: Iterable["pa.Table"], open_writer: Any) -> Iterator[bytes]:
    sink, writer = _Sink(), None
    for table in tables:
        if writer is None:
            writer = open_writer(sink, table.schema)
        writer.write_table(table)
        yield sink.take()
    if writer is not None:
        writer.close()
    yield sink.take()


def _table(columns: dict[str, Sequence[Any] | np.ndarray[Any, Any]]) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _values(found: SeriesDraws) -> RealArray:
    """Values in the precision in which paths are stored."""
    return np.ascontiguousarray(found.values, dtype=np.float32).ravel()


def _last_day(month: int) -> str:
    year, number = divmod(month, MONTHS_PER_YEAR)
    return first_day(month).replace(day=monthrange(year, number + 1)[1]).isoformat()
