"""Transformations of monthly series in FRED's units and frequencies.

Units: lin level; chg, ch1 change on the period before and on a year ago; pch, pc1 the same in per cent; pca compounded
annual rate of change; cch, cca continuously compounded rates; log natural logarithm. The definitions are those of
https://fred.stlouisfed.org/docs/api/fred/series_observations.html.
"""

from typing import Literal

import numpy as np
import pandas as pd

from forecasting.data.months import MONTHS_PER_YEAR, first_day
from forecasting.types import FloatArray

FredUnits = Literal["lin", "chg", "ch1", "pch", "pc1", "pca", "cch", "cca", "log"]
FredFrequency = Literal["m", "q", "sa", "a"]
Aggregation = Literal["sum", "avg", "eop"]
MONTHS_IN: dict[FredFrequency, int] = {"m": 1, "q": 3, "sa": 6, "a": 12}


def aggregate(values: pd.Series, frequency: FredFrequency, method: Aggregation) -> pd.Series:
    """A monthly series, indexed by the first days of its months, by period; a period without all months is left out.

    The index of the result are first days of periods.
    """
    length = MONTHS_IN[frequency]
    if length == 1:
        return values
    days = pd.DatetimeIndex(values.index)
    months = np.asarray(days.year) * MONTHS_PER_YEAR + np.asarray(days.month) - 1
    grouped = values.groupby(months // length)
    found: pd.Series = grouped.agg({"sum": "sum", "avg": "mean", "eop": "last"}[method])
    found = found[grouped.count() == length]
    found.index = pd.DatetimeIndex([first_day(int(number) * length) for number in found.index])
    return found


def transform(values: pd.Series, units: FredUnits, frequency: FredFrequency) -> pd.Series:
    """The series in other units; NaN where a value before is missing or the ratio is not defined."""
    length = MONTHS_IN[frequency]
    before = _shifted(values, length)
    year_ago = _shifted(values, MONTHS_PER_YEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _transformed(values.to_numpy(), before, year_ago, units, MONTHS_PER_YEAR // length)
    return pd.Series(np.where(np.isfinite(found), found, np.nan), index=values.index)


def _transformed(now: FloatArray, before: FloatArray, year_ago: FloatArray, units: str, a_year: int) -> FloatArray:
    """Values in units, from those now, a period before and a year ago; `a_year` is the number of periods in a year."""
    ratio = now / before
    found: dict[str, FloatArray] = {
        "chg": now - before,
        "ch1": now - year_ago,
        "pch": 100 * (ratio - 1),
        "pc1": 100 * (now / year_ago - 1),
        "pca": 100 * (ratio**a_year - 1),
        "cch": 100 * np.log(ratio),
        "cca": 100 * a_year * np.log(ratio),
        "log": np.log(now),
    }
    return found.get(units, now)


def _shifted(values: pd.Series, months: int) -> FloatArray:
    """The value so many months before each date, NaN where it is missing."""
    earlier = pd.DatetimeIndex(values.index) - pd.DateOffset(months=months)
    found: FloatArray = values.reindex(pd.DatetimeIndex(earlier)).to_numpy()
    return found
