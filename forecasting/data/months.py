"""Calendar months as numbers and as text.

A month number is twelve times the year plus the month less one, so that consecutive months differ by one.
"""

from datetime import date
from functools import lru_cache
from typing import overload

import numpy as np

MONTHS_PER_YEAR = 12
MONTH = "datetime64[M]"
"""NumPy's type of a month."""
EPOCH = 1970 * MONTHS_PER_YEAR
"""The number of NumPy's month zero, January 1970."""


def month_number(year: int, month: int) -> int:
    """The number of a month; `month` is 1 to 12."""
    return year * MONTHS_PER_YEAR + month - 1


def number_of_month(month: np.datetime64) -> int:
    """The number of a `datetime64` month."""
    return EPOCH + int(month.astype(MONTH).astype(np.int64))


def month_text(number: int) -> str:
    """A month number as YYYY-MM."""
    return f"{number // MONTHS_PER_YEAR:04}-{number % MONTHS_PER_YEAR + 1:02}"


def first_day(number: int) -> date:
    """The first day of the month with a number."""
    return date(number // MONTHS_PER_YEAR, number % MONTHS_PER_YEAR + 1, 1)


@overload
def format_month(month: date) -> str: ...
@overload
def format_month(month: date | None) -> str | None: ...
def format_month(month: date | None) -> str | None:
    """A month given as a date, as YYYY-MM; None where there is none."""
    return None if month is None else f"{month:%Y-%m}"


@lru_cache(maxsize=64)
def months_after(cutoff: date, count: int) -> tuple[str, ...]:
    """The `count` months after a cutoff, as YYYY-MM."""
    first = month_number(cutoff.year, cutoff.month) + 1
    return tuple(month_text(number) for number in range(first, first + count))
