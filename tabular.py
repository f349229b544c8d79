"""Tables from outside: reading them, and refusing what is wrong with them, row by row.

TableError
├── UnreadableTable            it cannot be read as a table at all
└── BadRows                    it can, and these are its faults

Rows are counted as in the file: a CSV's header is row 1. Checks work on whole columns, and on the distinct values
of columns that repeat; only faults are looked at one by one.
"""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

Column: TypeAlias = "pd.Series[Any]"
Media = Literal["csv", "parquet", "json"]
SUFFIXES: dict[str, Media] = {".csv": "csv", ".parquet": "parquet", ".json": "json"}

SHOWN_FAULTS, KEPT_FAULTS = 3, 50
FIRST_DAY = date(1900, 1, 1)
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])(-01)?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?")
OBSERVATION_COLUMNS = ("month", "flow", "partner", "sector", "value")
RELEASE_COLUMNS = ("dataset", "period", "due_on")
SERIES_COLUMNS = ["flow", "partner", "sector"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell. `row` counts as in the file, where a CSV's header is row 1."""

    row: int | None
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}" if self.row is not None else self.column
        return f"{place}: {self.reason}" + (f" ({self.value!r})" if self.value else "")


def summary(faults: Sequence[Fault], total: int) -> str:
    """Tell the first few faults in words, and how many there are in all."""
    shown = "; ".join(map(str, faults[:SHOWN_FAULTS]))
    return shown if total <= SHOWN_FAULTS else f"{shown}; and {total - SHOWN_FAULTS} more"


class TableError(ValueError):
    """A table from outside that is not accepted."""


class UnreadableTable(TableError):
    """The bytes are no table we read."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")


class BadRows(TableError):
    """A table with faults in it: the first of them (as many as are kept), and their number."""

    def __init__(self, faults: Sequence[Fault], *, total: int | None = None) -> None:
        self.faults, self.total = tuple(faults), len(faults) if total is None else total
        super().__init__(summary(self.faults, self.total))


@dataclass(slots=True)
class Faults:
    """Faults as they are found; all are counted, the first are kept."""

    kept: list[Fault] = field(default_factory=list)
    total: int = 0

    def add(self, column: Column, bad: NDArray[np.bool_], reason: str) -> None:
        """Note the cells of `column` where `bad`, an array as long, is true."""
        places = np.flatnonzero(bad)
        self.total += len(places)
        for place in places[: max(0, KEPT_FAULTS - len(self.kept))]:
            value = _plain(column.iloc[place])[:40]
            self.kept.append(Fault(int(column.index[place]), str(column.name), value, reason))

    def stop(self) -> None:
        """Raise BadRows if there is any, in the order of the rows."""
        if self.total:
            raise BadRows(sorted(self.kept, key=lambda fault: fault.row or 0), total=self.total)


def read_table(source: Path | bytes, *, media: Media | None = None, limit_bytes: int) -> pd.DataFrame:
    """The table's columns as they stand, indexed by row number; a CSV's are all text.

    Without `media` the name's ending tells. Raises UnreadableTable; for a size above `limit_bytes`, before reading.
    """
    name = str(source) if isinstance(source, Path) else "the table"
    media = media or SUFFIXES.get(source.suffix.lower() if isinstance(source, Path) else "")
    try:
        if media is None:
            raise ValueError(f"the name must end in one of {', '.join(SUFFIXES)}")
        data = _bytes_of(source, limit_bytes)
        frame = _READERS[media](data, limit_bytes)
        if frame.empty:
            raise ValueError("there is no row in it")
    except OSError as error:
        raise UnreadableTable(name, (error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise UnreadableTable(name, str(error)) from error
    first_row = 2 if media == "csv" else 1
    frame.index = pd.RangeIndex(first_row, first_row + len(frame), name="row")
    return frame


def _bytes_of(source: Path | bytes, limit: int) -> bytes:
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size > limit:
        raise ValueError(f"{size / 1e6:.1f} MB is more than the {limit / 1e6:g} MB accepted")
    data = source.read_bytes() if isinstance(source, Path) else source
    if not data.strip():
        raise ValueError("the file is empty")
    return data


def _read_csv(data: bytes, _limit: int) -> pd.DataFrame:
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"row {row} is not UTF-8 text") from error
    if b"\0" in data:
        raise ValueError("this is not a CSV: it holds zero bytes")
    first_line, *rest = data.split(b"\n", 1)
    header = [cell.strip(' "\r') for cell in first_line.decode().split(",")]
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise ValueError(f"the header names {', '.join(twice)} more than once")
    return _text_columns(data, header).to_pandas() if rest else pd.DataFrame()


def _text_columns(data: bytes, header: list[str]) -> Any:
    """A pyarrow table with every column as text, a ragged line refused by its number."""
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    types = dict.fromkeys(header, pa.string())
    try:
        return pa.csv.read_csv(
            io.BytesIO(data),
            read_options=pa.csv.ReadOptions(column_names=header, skip_rows=1, use_threads=False),
            parse_options=pa.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=note),
            convert_options=pa.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        row = ragged[0] if ragged else None
        raise ValueError(
            f"row {row.number} has {row.actual_columns} cells, the header {row.expected_columns}"
            if row
            else f"this is not a CSV: {error}"
        ) from error


def _read_parquet(data: bytes, limit: int) -> pd.DataFrame:
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(data))
        # A few bytes may unfold to any number of cells; a CSV of as many would take a byte each at least.
        cells = file.metadata.num_rows * file.metadata.num_columns
        if cells > limit:
            raise ValueError(f"{cells} cells are more than the {limit} accepted")
        frame = pd.DataFrame(file.read().to_pandas())
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"this is not a Parquet file: {error}") from error
    # pandas keeps an index of its own in the file; named levels are columns like the others.
    return frame.reset_index() if frame.index.names != [None] else frame


def _read_json(data: bytes, _limit: int) -> pd.DataFrame:
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("the JSON must be a list of objects, one a row")
    for number, row in enumerate(rows, start=1):
        if any(isinstance(value, bool | list | dict) for value in row.values()):
            raise ValueError(f"row {number} holds something else than text and numbers")
    return pd.DataFrame(rows)


_READERS: dict[Media, Callable[[bytes, int], pd.DataFrame]] = {
    "csv": _read_csv,
    "parquet": _read_parquet,
    "json": _read_json,
}


def require_columns(frame: pd.DataFrame, columns: Sequence[str], name: str = "the table") -> None:
    """Raise UnreadableTable unless the frame has each of `columns`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns[:12]))
        raise UnreadableTable(name, f"the header lacks {', '.join(missing)}; it has {found}")


def check_observations(frame: pd.DataFrame, *, today: date) -> pd.DataFrame:
    """Observations ready for the store, by row number.

    Takes columns month, flow, partner, sector, value and, if given, vintage, months, status. Gives month and
    vintage as `datetime64[ns]` (vintage NaT where it is not given), value as float, months 1 or 2, status a letter.
    Raises UnreadableTable for missing columns, BadRows for faults.
    """
    require_columns(frame, OBSERVATION_COLUMNS)
    faults = Faults()
    clean = pd.DataFrame(
        {
            "month": months(frame["month"], faults, today=today),
            "flow": _codes(frame["flow"], faults, "X|M", "must be X or M; the balance is derived"),
            "partner": _codes(frame["partner"], faults, r"[A-Z0-9_]{2,12}"),
            "sector": _codes(frame["sector"], faults, r"[A-Za-z0-9_.-]{1,24}"),
            "value": numbers(frame["value"], faults),
            "vintage": _vintages(frame, faults, today),
            "months": 1,
            "status": "A",
        },
        index=frame.index,
    )
    if "months" in frame:
        clean["months"] = _codes(frame["months"], faults, "1|2", "must be 1 or 2").map({"1": 1, "2": 2})
        off = (clean["months"] == 2) & (clean["month"].dt.month != 2)
        faults.add(frame["months"], off.to_numpy(), "only February's figure may hold two months")
    if "status" in frame:
        clean["status"] = _codes(frame["status"], faults, "A|P|I", "must be A, P or I")
    early = clean["vintage"] <= clean["month"]
    faults.add(clean["vintage"], early.to_numpy(), "a value cannot be known before its month has begun")
    faults.stop()
    _refuse_twice(clean, [*SERIES_COLUMNS, "month", "vintage"], "month", faults)
    return clean


def check_releases(frame: pd.DataFrame) -> pd.DataFrame:
    """Due dates ready for the store, by row number.

    Takes columns dataset, period (a month), due_on (a day) and, if given, time: `HH:MM` in UTC, or with an offset as
    in `11:00+08:00`, or empty. Gives period and due_on as `datetime64[ns]`, due_at in UTC, NaT where no time is given.
    Raises UnreadableTable for missing columns, BadRows for faults.
    """
    require_columns(frame, RELEASE_COLUMNS)
    faults = Faults()
    period = _days(*_distinct(frame["period"]), MONTH, frame.index)
    faults.add(frame["period"], period.isna().to_numpy(), "is no month, which is YYYY-MM or YYYY-MM-01")
    due_on = _days(*_distinct(frame["due_on"]), DAY, frame.index)
    faults.add(frame["due_on"], due_on.isna().to_numpy(), "is no day, which is YYYY-MM-DD")
    over = period + pd.offsets.MonthBegin(1)
    faults.add(frame["due_on"], (due_on < over).to_numpy(), "is before its month is over")
    clean = pd.DataFrame(
        {
            "dataset": _codes(frame["dataset"], faults, "[A-Z][A-Z0-9_]{0,39}"),
            "period": period,
            "due_on": due_on,
            "due_at": _moments(frame, faults),
        },
        index=frame.index,
    )
    faults.stop()
    _refuse_twice(clean, ["dataset", "period"], "period", faults, "appears in an earlier row of the same dataset")
    return clean


def check_panel(frame: pd.DataFrame, *, today: date, negative: bool = False) -> pd.DataFrame:
    """A panel ready to be forecast: unique_id, ds (`datetime64[ns]`), y and, if given, partner and sector.

    Rows come sorted by series and month. Raises UnreadableTable for missing columns, BadRows for faults, a month
    missing inside a series among them.
    """
    require_columns(frame, ("unique_id", "ds", "y"))
    faults = Faults()
    names = [name for name in ("unique_id", "partner", "sector") if name in frame]
    clean = pd.DataFrame({name: _codes(frame[name], faults, r".{1,200}") for name in names}, index=frame.index)
    clean["ds"] = months(frame["ds"], faults, today=today)
    clean["y"] = numbers(frame["y"], faults, negative=negative)
    faults.stop()
    _refuse_twice(clean, ["unique_id", "ds"], "ds", faults)
    clean = clean.sort_values(["unique_id", "ds"], kind="stable")
    for name in names[1:]:
        first = clean.groupby("unique_id", sort=False)[name].transform("first")
        faults.add(clean[name], (clean[name] != first).to_numpy(), "changes within its series")
    number = clean["ds"].dt.year * 12 + clean["ds"].dt.month
    after_gap = (clean["unique_id"] == clean["unique_id"].shift()) & (number - number.shift() > 1)
    faults.add(clean["ds"], after_gap.to_numpy(), "the month before it is missing from its series")
    faults.stop()
    return clean[["unique_id", "ds", "y", *names[1:]]]


def months(column: Column, faults: Faults, *, today: date) -> Column:
    """The column as first days of months: `YYYY-MM` or `YYYY-MM-01`, one of them throughout, none after today."""
    codes, texts = _distinct(column)
    values = _days(codes, texts, MONTH, column.index)
    faults.add(column, values.isna().to_numpy(), "is no month, which is YYYY-MM or YYYY-MM-01")
    lengths = np.array([len(text) for text in texts])[codes]
    known = values.notna().to_numpy()
    faults.add(column, known & (lengths != lengths[known.argmax()]), "is not written like the first month")
    _refuse_outside(column, values, faults, today)
    return values


def numbers(column: Column, faults: Faults, *, negative: bool = False) -> Column:
    """The column as finite floats, rounded correctly from text; `negative` tells whether some may be below zero."""
    if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
        values = column.to_numpy(np.float64, na_value=np.nan)
        empty = np.isnan(values)
    else:
        codes, texts = _distinct(column)
        text = pa.array(texts, pa.string())
        digits = pc.utf8_ltrim(pc.if_else(pc.match_substring_regex(text, NUMBER), text, None), "+")
        values = digits.cast(pa.float64()).to_numpy(zero_copy_only=False)[codes]
        empty = pc.equal(text, "").to_numpy(zero_copy_only=False)[codes]
    faults.add(column, empty, "is empty")
    faults.add(column, ~np.isfinite(values) & ~empty, "is not a finite number")
    if not negative:
        faults.add(column, values < 0, "is negative")
    return pd.Series(values, column.index, name=column.name)


def _vintages(frame: pd.DataFrame, faults: Faults, today: date) -> Column:
    """The day each value became known; NaT throughout where the table does not say."""
    if "vintage" not in frame:
        return pd.Series(pd.NaT, frame.index, dtype="datetime64[ns]")
    column = frame["vintage"]
    days = _days(*_distinct(column), DAY, column.index)
    faults.add(column, days.isna().to_numpy(), "is no day, which is YYYY-MM-DD")
    _refuse_outside(column, days, faults, today)
    return days


def _moments(frame: pd.DataFrame, faults: Faults) -> Column:
    """The moment each release is due, in UTC; NaT where the table gives no time."""
    if "time" not in frame:
        return pd.Series(pd.NaT, frame.index, dtype="datetime64[ns, UTC]")
    codes, texts = _distinct(frame["time"])
    bad = np.array([text != "" and TIME.fullmatch(text) is None for text in texts])[codes]
    faults.add(frame["time"], bad, "is no time, which is HH:MM or HH:MM+08:00")
    # pandas reads a time without an offset as having that of the row before.
    zoned = [text if text == "" or len(text) > len("HH:MM") else f"{text}Z" for text in texts]
    times = pd.Series(np.array(zoned, dtype=object)[codes], frame.index)
    said = (frame["due_on"].astype(str).str.strip() + "T" + times).where(~bad & (times != ""))
    return pd.to_datetime(said, utc=True, errors="coerce", format="ISO8601")


def _refuse_outside(column: Column, days: Column, faults: Faults, today: date) -> None:
    faults.add(column, (days > pd.Timestamp(today)).to_numpy(), "is in the future")
    faults.add(column, (days < pd.Timestamp(FIRST_DAY)).to_numpy(), f"is before {FIRST_DAY:%Y}")


def _days(codes: NDArray[np.intp], texts: list[str], pattern: "re.Pattern[str]", index: pd.Index) -> Column:
    days = [_day(text) if pattern.fullmatch(text) else None for text in texts]
    return pd.Series(np.array(days, "datetime64[s]")[codes].astype("datetime64[ns]"), index)


def _day(text: str) -> date | None:
    """The day, or a month's first; beyond the years that `datetime64[ns]` can hold, the nearest it can."""
    try:
        day = date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    except ValueError:
        return None
    return min(max(day, date(1700, 1, 1)), date(2200, 1, 1))


def _codes(column: Column, faults: Faults, pattern: str, reason: str = "is no code") -> Column:
    """The column as text that matches `pattern`."""
    codes, texts = _distinct(column)
    empty = np.array([text == "" for text in texts])[codes]
    known = np.array([re.fullmatch(pattern, text) is not None for text in texts])[codes]
    faults.add(column, empty, "is empty")
    faults.add(column, ~known & ~empty, reason)
    return pd.Series(np.array(texts, dtype=object)[codes], column.index, name=column.name)


def _distinct(column: Column) -> tuple[NDArray[np.intp], list[str]]:
    """The distinct values as text without surrounding space, and for each row the place of its own."""
    codes, values = pd.factorize(column.astype(object), use_na_sentinel=False)
    return codes, [value.strip() if isinstance(value, str) else _plain(value) for value in values]


def _plain(value: Any) -> str:
    """A cell as text; what is missing is empty, a day that carries a midnight is the day."""
    if pd.isna(value):
        return ""
    return value.isoformat().removesuffix("T00:00:00") if isinstance(value, date) else str(value)


def _refuse_twice(
    clean: pd.DataFrame,
    key: list[str],
    month: str,
    faults: Faults,
    reason: str = "appears in an earlier row of the same series",
) -> None:
    faults.add(clean[month], clean.duplicated(key).to_numpy(), reason)
    faults.stop()
