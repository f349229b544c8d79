"""Reading the columns of a table: months, days, moments, numbers and codes, each fault noted by its row.

Work is done on whole columns, and on the distinct values of columns that repeat; only faults are looked at one by one.
"""

import re
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tables.dialect import STANDARD, Dialect
from tables.faults import KEPT_FAULTS, Column, Faults, plain
from tables.months import month_reason, read_months
from tables.numerals import LARGEST, read_numerals

FIRST_DAY = date(1900, 1, 1)
# Two-digit years reach this far ahead, so that a month to come is refused as such and not read as one of 1930.
YEARS_AHEAD = 20
LAST_YEAR = 2099
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?")


def months(column: Column, faults: Faults, *, today: date) -> Column:
    """The column as first days of months, in one of the forms of `tables.months`, none after today."""
    values = _months(column, faults, latest=today.year + YEARS_AHEAD)
    _refuse_outside(column, values, faults, today)
    return values


def periods(column: Column, faults: Faults) -> Column:
    """The column as first days of months, past or to come."""
    return _months(column, faults, latest=LAST_YEAR)


def numbers(
    column: Column,
    faults: Faults,
    *,
    negative: bool = False,
    refusal: str = "is negative",
    dialect: Dialect = STANDARD,
) -> Column:
    """The column as finite floats, rounded correctly from text; `negative` tells whether some may be below zero.

    `refusal` is the reason given for a negative value that may not be.
    """
    if pd.api.types.is_float_dtype(column) or pd.api.types.is_integer_dtype(column):
        values = column.to_numpy(np.float64, na_value=np.nan)
        faults.add(column, np.isnan(values), "is empty")
        faults.add(column, np.isinf(values), "is not a finite number")
        beyond = np.isfinite(values) & (np.abs(values) > LARGEST)
        faults.add(column, beyond, f"is beyond {LARGEST:g}, the largest value accepted: use a larger unit")
    else:
        places, texts = distinct(column)
        found = read_numerals(texts, dialect)
        values = found.values[places]
        _note(column, places, found.wrong, found.reason, faults)
    if not negative:
        faults.add(column, (values < 0) & (values >= -LARGEST), refusal)
    return pd.Series(values, column.index, name=column.name)


def days(column: Column, faults: Faults) -> Column:
    """The column as days, past or to come."""
    places, texts = distinct(column)
    values = _dates(column, places, [_day(text) for text in texts])
    faults.add(column, values.isna().to_numpy(), "is not a day, which is written YYYY-MM-DD")
    return values


def known_days(column: Column, faults: Faults, *, today: date) -> Column:
    """The column as days, none after today."""
    values = days(column, faults)
    _refuse_outside(column, values, faults, today)
    return values


def codes(column: Column, faults: Faults, pattern: str, reason: str = "is not a code") -> Column:
    """The column as text that matches `pattern`."""
    places, texts = distinct(column)
    empty = np.array([text == "" for text in texts], dtype=bool)[places]
    known = np.array([re.fullmatch(pattern, text) is not None for text in texts], dtype=bool)[places]
    faults.add(column, empty, "is empty")
    faults.add(column, ~known & ~empty, reason)
    return pd.Series(np.array(texts, dtype=object)[places], column.index, name=column.name)


def moments(days: Column, times: Column, faults: Faults) -> Column:
    """The moments, in UTC, that two columns say; NaT where no time is given."""
    places, texts = distinct(times)
    bad = np.array([text != "" and TIME.fullmatch(text) is None for text in texts], dtype=bool)[places]
    faults.add(times, bad, "is not a time, which is written HH:MM or HH:MM+08:00")
    # pandas reads a time without an offset as having that of the row before.
    zoned = [text if text == "" or len(text) > len("HH:MM") else f"{text}Z" for text in texts]
    clocks = pd.Series(np.array(zoned, dtype=object)[places], times.index)
    written = (days.astype(str).str.strip() + "T" + clocks).where(~bad & (clocks != ""))
    return pd.to_datetime(written, utc=True, errors="coerce", format="ISO8601")


def distinct(column: Column) -> tuple[NDArray[np.intp], list[str]]:
    """For each row the position of its text, and the distinct texts, without surrounding space."""
    places, values = pd.factorize(column.astype(object), use_na_sentinel=False)
    return places, [plain(value).strip() for value in values]


def _months(column: Column, faults: Faults, *, latest: int) -> Column:
    places, texts = distinct(column)
    found = read_months(texts, latest=latest)
    wrong = np.array([month is None for month in found], dtype=bool)
    _note(column, places, wrong, lambda place: month_reason(texts[place], latest=latest), faults)
    return _dates(column, places, found)


def _note(
    column: Column,
    places: NDArray[np.intp],
    wrong: NDArray[np.bool_],
    reason: Callable[[int], str],
    faults: Faults,
) -> None:
    """Note the rows whose text is wrong, looking at no more of them than are kept."""
    bad = wrong[places]
    first = np.flatnonzero(bad)[:KEPT_FAULTS]
    faults.add_each(column, {int(row): reason(int(places[row])) for row in first}, int(bad.sum()))


def _dates(column: Column, places: NDArray[np.intp], found: list[date | None]) -> Column:
    return pd.Series(np.array(found, "datetime64[s]")[places].astype("datetime64[ns]"), column.index)


def _refuse_outside(column: Column, days: Column, faults: Faults, today: date) -> None:
    faults.add(column, (days > pd.Timestamp(today)).to_numpy(), "is in the future")
    faults.add(column, (days < pd.Timestamp(FIRST_DAY)).to_numpy(), f"is before {FIRST_DAY:%Y}")


def _day(text: str) -> date | None:
    """The day; beyond the years that `datetime64[ns]` can hold, the nearest that it can."""
    try:
        day = date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None
    return day and min(max(day, date(1700, 1, 1)), date(2200, 1, 1))
