"""Reading the columns of a table: months, days, moments, numbers and codes, each fault noted by its row.

Work is done on whole columns, and on the distinct values of columns that repeat; only faults are looked at one by one.
"""

import re
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tables.faults import Column, Faults, plain

FIRST_DAY = date(1900, 1, 1)
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])(-01)?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NO_MONTH, NO_DAY = "is no month, which is YYYY-MM or YYYY-MM-01", "is no day, which is YYYY-MM-DD"
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?")


def months(column: Column, faults: Faults, *, today: date) -> Column:
    """The column as first days of months: `YYYY-MM` or `YYYY-MM-01`, one of them throughout, none after today."""
    places, texts = _distinct(column)
    values = _dated(column, places, texts, faults, MONTH, NO_MONTH)
    lengths = np.array([len(text) for text in texts])[places]
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
        places, texts = _distinct(column)
        text = pa.array(texts, pa.string())
        digits = pc.utf8_ltrim(pc.if_else(pc.match_substring_regex(text, NUMBER), text, None), "+")
        values = digits.cast(pa.float64()).to_numpy(zero_copy_only=False)[places]
        empty = pc.equal(text, "").to_numpy(zero_copy_only=False)[places]
    faults.add(column, empty, "is empty")
    faults.add(column, ~np.isfinite(values) & ~empty, "is not a finite number")
    if not negative:
        faults.add(column, values < 0, "is negative")
    return pd.Series(values, column.index, name=column.name)


def periods(column: Column, faults: Faults) -> Column:
    """The column as first days of months, past or to come."""
    return _dated(column, *_distinct(column), faults, MONTH, NO_MONTH)


def days(column: Column, faults: Faults) -> Column:
    """The column as days, past or to come."""
    return _dated(column, *_distinct(column), faults, DAY, NO_DAY)


def known_days(column: Column, faults: Faults, *, today: date) -> Column:
    """The column as days, none after today."""
    values = days(column, faults)
    _refuse_outside(column, values, faults, today)
    return values


def codes(column: Column, faults: Faults, pattern: str, reason: str = "is no code") -> Column:
    """The column as text that matches `pattern`."""
    places, texts = _distinct(column)
    empty = np.array([text == "" for text in texts])[places]
    known = np.array([re.fullmatch(pattern, text) is not None for text in texts])[places]
    faults.add(column, empty, "is empty")
    faults.add(column, ~known & ~empty, reason)
    return pd.Series(np.array(texts, dtype=object)[places], column.index, name=column.name)


def moments(days: Column, times: Column, faults: Faults) -> Column:
    """The moments, in UTC, that two columns say; NaT where no time is given."""
    places, texts = _distinct(times)
    bad = np.array([text != "" and TIME.fullmatch(text) is None for text in texts])[places]
    faults.add(times, bad, "is no time, which is HH:MM or HH:MM+08:00")
    # pandas reads a time without an offset as having that of the row before.
    zoned = [text if text == "" or len(text) > len("HH:MM") else f"{text}Z" for text in texts]
    clocks = pd.Series(np.array(zoned, dtype=object)[places], times.index)
    said = (days.astype(str).str.strip() + "T" + clocks).where(~bad & (clocks != ""))
    return pd.to_datetime(said, utc=True, errors="coerce", format="ISO8601")


def _refuse_outside(column: Column, days: Column, faults: Faults, today: date) -> None:
    faults.add(column, (days > pd.Timestamp(today)).to_numpy(), "is in the future")
    faults.add(column, (days < pd.Timestamp(FIRST_DAY)).to_numpy(), f"is before {FIRST_DAY:%Y}")


def _dated(
    column: Column,
    places: NDArray[np.intp],
    texts: list[str],
    faults: Faults,
    pattern: "re.Pattern[str]",
    reason: str,
) -> Column:
    """The days that distinct texts say, row by row; what does not match the pattern is a fault."""
    found = [_day(text) if pattern.fullmatch(text) else None for text in texts]
    values = pd.Series(np.array(found, "datetime64[s]")[places].astype("datetime64[ns]"), column.index)
    faults.add(column, values.isna().to_numpy(), reason)
    return values


def _day(text: str) -> date | None:
    """The day, or a month's first; beyond the years that `datetime64[ns]` can hold, the nearest it can."""
    try:
        day = date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    except ValueError:
        return None
    return min(max(day, date(1700, 1, 1)), date(2200, 1, 1))


def _distinct(column: Column) -> tuple[NDArray[np.intp], list[str]]:
    """The distinct values as text without surrounding space, and for each row the place of its own."""
    places, values = pd.factorize(column.astype(object), use_na_sentinel=False)
    return places, [value.strip() if isinstance(value, str) else plain(value) for value in values]
