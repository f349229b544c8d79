"""Whole tables as Parquet and as Excel workbooks."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

PARQUET_ROWS = 100_000
HEAD_ROWS = 200
WIDEST = 44


class _Parts:
    """A file for `pyarrow` whose content is read in parts while it is written."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._parts.append(bytes(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        """The number of bytes written in all."""
        return self._length

    def take(self) -> bytes:
        """The bytes since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken

    def flush(self) -> None:
        """Nothing is kept back."""


def parquet_parts(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], about: Mapping[str, str], *, group: int = PARQUET_ROWS
) -> Iterator[bytes]:
    """A table as Parquet, a part for each `group` of rows; `about` is the file's key-value metadata.

    The types of columns are those of the first group.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow to import and rarely needed
    import pyarrow.parquet as pq  # noqa: PLC0415

    iterator, sink = iter(rows), _Parts()
    first = _arrow_table(columns, list(islice(iterator, group)))
    schema = first.schema.with_metadata(dict(about))
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
        writer.write_table(first.cast(schema))
        yield sink.take()
        while chunk := list(islice(iterator, group)):
            writer.write_table(_arrow_table(columns, chunk, schema))
            yield sink.take()
    yield sink.take()


def _arrow_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], schema: Any = None) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - slow to import and rarely needed

    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    if schema is not None:
        arrays = [pa.array(list(column), type=kind) for column, kind in zip(values, schema.types, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)
    arrays = [pa.array(list(column)) for column in values]
    # A column without values has no type, which readers refuse; an empty CSV column is read as text.
    arrays = [array.cast(pa.string()) if pa.types.is_null(array.type) else array for array in arrays]
    return pa.table(dict(zip(columns, arrays, strict=True)))


def xlsx_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]], about: Mapping[str, str]) -> bytes:
    """A table as an Excel workbook: a sheet of the rows, with number formats and widths, and a sheet `About`."""
    import xlsxwriter  # noqa: PLC0415 - slow to import and rarely needed

    buffer = io.BytesIO()
    # Constant memory writes rows as they come; a fixed creation time gives the same bytes for the same table.
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})
        head = book.add_format({"bold": True, "bottom": 1})
        formats = {
            date: book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            float: book.add_format({"num_format": "#,##0.00####"}),
        }
        sheet = book.add_worksheet("Data")
        sheet.freeze_panes(1, 1)
        iterator = iter(rows)
        first = list(islice(iterator, HEAD_ROWS))
        for place, name in enumerate(columns):
            width = max((len(str(row[place])) for row in first), default=0)
            sheet.set_column(place, place, min(max(width, len(name), 8) + 2, WIDEST))
            sheet.write_string(0, place, name, head)
        for chunk in (first, iterator):
            start = 1 if chunk is first else 1 + len(first)
            for number, row in enumerate(chunk, start=start):
                for place, value in enumerate(row):
                    _write(sheet, number, place, value, formats)
        about_sheet = book.add_worksheet("About")
        about_sheet.set_column(0, 0, 22)
        about_sheet.set_column(1, 1, 100)
        for number, (name, text) in enumerate(about.items()):
            about_sheet.write_string(number, 0, name, head)
            about_sheet.write_string(number, 1, text)
    return buffer.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any, formats: Mapping[type, Any]) -> None:
    if isinstance(value, datetime):
        # Excel stores no time zones.
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), formats[date])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, formats[date])
    elif isinstance(value, bool) or value is None:
        sheet.write(row, column, value)
    elif isinstance(value, float):
        sheet.write_number(row, column, value, formats[float])
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, str(value))
