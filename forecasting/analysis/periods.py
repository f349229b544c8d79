"""Periods of consecutive months: months, quarters, calendar years, the year to date, January with February.

Months are numbers (`forecasting.data.months`). The same periods serve queries on joint paths and the scores of the
backtest.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from forecasting.data.months import MONTHS_PER_YEAR, month_number, month_text
from forecasting.types import FloatArray, RealArray

Frequency = Literal["M", "Q", "A", "YTD", "JF"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
KINDS_OF: dict[Frequency, str] = {"M": "month", "Q": "quarter", "A": "year", "YTD": "year_to_date", "JF": "jan_feb"}
LENGTHS = {"month": 1, "jan_feb": 2, "quarter": 3, "year": 12}
"""Lengths in months of the kinds of period that the backtest scores."""
KINDS = tuple(LENGTHS)
GROWTH = "_growth"
"""Suffix of the kinds that are growth on a year ago."""
KIND_OF_LENGTH = {length: kind for kind, length in LENGTHS.items()}
FREQUENCY_OF: dict[str, Frequency] = {kind: frequency for frequency, kind in KINDS_OF.items()}
# The growth of a year that ends in the first month ahead needs the months up to two years back.
LOOK_BACK = 24
LONGEST = 24
PATTERN = r"(\d{4})-(0[1-9]|1[0-2])"
WRITTEN = "a period is written 2026, 2026-Q1, 2026-03 or 2026-01/2026-02"


@dataclass(frozen=True, slots=True)
class Period:
    """Consecutive months from `first` to `last`, both included.

    `kind` is month, jan_feb, quarter, year or year_to_date, or span where it is none of them.
    """

    first: int
    last: int
    kind: str

    @property
    def months(self) -> int:
        """The number of months."""
        return self.last - self.first + 1

    @property
    def label(self) -> str:
        """The period as text: 2026, 2026-Q1, 2026-03 or 2026-01/2026-02."""
        year, month = divmod(self.first, MONTHS_PER_YEAR)
        if self.kind == "year":
            return f"{year:04}"
        if self.kind == "quarter":
            return f"{year:04}-Q{month // 3 + 1}"
        if self.kind == "month":
            return month_text(self.first)
        return f"{month_text(self.first)}/{month_text(self.last)}"

    def observed(self, cutoff: int) -> int:
        """The number of its months up to and including the cutoff."""
        return min(max(cutoff - self.first + 1, 0), self.months)

    def back(self, months: int) -> "Period":
        """The period that lies `months` earlier and is as long."""
        first, last = self.first - months, self.last - months
        return Period(first, last, _kind(first, last) if months % MONTHS_PER_YEAR else self.kind)


def periods_ahead(cutoff: int, horizon: int, frequency: Frequency) -> list[Period]:
    """Every period of a frequency that ends 1 to `horizon` months after the cutoff, in order.

    The first may be partly observed.
    """
    found = []
    for last in range(cutoff + 1, cutoff + horizon + 1):
        month = last % MONTHS_PER_YEAR + 1
        if frequency == "M":
            found.append(Period(last, last, "month"))
        elif frequency == "Q" and month % 3 == 0:
            found.append(Period(last - 2, last, "quarter"))
        elif frequency == "A" and month == MONTHS_PER_YEAR:
            found.append(Period(last - MONTHS_PER_YEAR + 1, last, "year"))
        elif frequency == "JF" and month == 2:
            found.append(Period(last - 1, last, "jan_feb"))
        elif frequency == "YTD":
            found.append(Period(last - month + 1, last, "year_to_date"))
    return found


def scored_periods(cutoff: int, horizon: int, kind: str) -> list[Period]:
    """The periods of a kind (one of KINDS) that the backtest scores at a cutoff.

    January with February is scored only while both months are ahead; a quarter or a year may be partly observed.
    """
    found = periods_ahead(cutoff, horizon, FREQUENCY_OF[kind])
    return [period for period in found if kind != "jan_feb" or period.first > cutoff]


def parse_period(text: str) -> Period:
    """The period written as 2026, 2026-Q1, 2026-03 or 2026-01/2026-02.

    Raises:
        ValueError: the text is not a period, or the period is too long.
    """
    if found := re.fullmatch(r"(\d{4})", text):
        first = month_number(int(found[1]), 1)
        return Period(first, first + MONTHS_PER_YEAR - 1, "year")
    if found := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        first = month_number(int(found[1]), 3 * int(found[2]) - 2)
        return Period(first, first + 2, "quarter")
    if found := re.fullmatch(f"{PATTERN}(?:/{PATTERN})?", text):
        first = month_number(int(found[1]), int(found[2]))
        last = month_number(int(found[3]), int(found[4])) if found[3] else first
        if not 0 <= last - first < LONGEST:
            raise ValueError(f"a period runs from its first month to its last, {LONGEST} months at most")
        return Period(first, last, _kind(first, last))
    raise ValueError(WRITTEN)


def totals(paths: RealArray, observed: FloatArray, periods: list[Period], cutoff: int, *, back: int = 0) -> FloatArray:
    """Sums over the months `back` before periods, shape (series, draws, periods).

    `paths` has shape (series, draws, horizon); `observed` (series, past) holds the months up to the cutoff. The sum
    is NaN where a month is NaN or lies before `observed`.
    """
    past, horizon = observed.shape[1], paths.shape[2]
    weights = np.zeros((past + horizon, len(periods)))
    too_early = np.zeros(len(periods), dtype=bool)
    for column, period in enumerate(periods):
        first = past + period.first - cutoff - 1 - back
        too_early[column] = first < 0
        weights[max(first, 0) : max(first + period.months, 0), column] = 1.0
    known = _sums(observed, weights[:past])
    known[:, too_early] = np.nan
    sums: FloatArray = known[:, None, :] + _sums(paths, weights[past:])
    return sums


def growth(paths: RealArray, observed: FloatArray, periods: list[Period], cutoff: int) -> FloatArray:
    """Growth of periods on a year ago, in per cent, shape (series, draws, periods); NaN unless the base is positive.

    The arguments are those of `totals`.
    """
    now = totals(paths, observed, periods, cutoff)
    before = totals(paths, observed, periods, cutoff, back=MONTHS_PER_YEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, 100 * (now / before - 1), np.nan)


def _sums(values: RealArray, weights: FloatArray) -> FloatArray:
    """`values @ weights`, NaN only where a value with weight is NaN: a plain product would spread it to every sum."""
    missing = np.isnan(values)
    known: FloatArray = np.where(missing, 0.0, values) if missing.any() else np.asarray(values)
    sums: FloatArray = known @ weights
    sums[np.asarray(missing, dtype=np.float64) @ weights > 0] = np.nan
    return sums


def _kind(first: int, last: int) -> str:
    length = last - first + 1
    starts = length in KIND_OF_LENGTH and first % (MONTHS_PER_YEAR if length == 2 else length) == 0
    return KIND_OF_LENGTH[length] if starts else "span"
