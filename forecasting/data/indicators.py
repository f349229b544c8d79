"""Indicators: monthly series from elsewhere, each value with the day it became public.

The as-of day decides which months of an indicator a forecast may use: its ragged edge (Wallis 1986; Giannone, Reichlin
& Small 2008). Every fold of a backtest has such a day too, as far from its cutoff as the forecast's day from its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecasting.data.months import MONTH
from forecasting.types import FloatArray, MonthArray

DAY = "datetime64[D]"
Kind = Literal["amount", "index"]
DayArray = NDArray[np.datetime64]


@dataclass(frozen=True)
class Indicator:
    """An indicator, with every vintage of it.

    `months` ('datetime64[M]'), `known_on` ('datetime64[D]') and `values` have shape (vintages,), sorted by month, then
    day. An `amount` is positive and has a season; an `index` is seasonally adjusted and compared by differences.
    `country`, an ISO 3166-1 alpha-3 code, is whose calendar moves it.
    """

    id: str
    kind: Kind
    country: str
    months: MonthArray
    known_on: DayArray
    values: FloatArray

    def known(self, day: np.datetime64) -> tuple[MonthArray, FloatArray]:
        """The months known on a day and the latest value of each, shape (months,) both; gaps are absent."""
        known = self.known_on <= day
        months, values = self.months[known], self.values[known]
        last = np.append(months[1:] != months[:-1], True)[: len(months)]
        return months[last], values[last]

    def first_known(self, month: np.datetime64) -> np.datetime64:
        """The day a month became public; NaT if it is not public yet."""
        days = self.known_on[self.months == month]
        return days[0] if len(days) else np.datetime64("NaT", "D")


@dataclass(frozen=True)
class IndicatorPanel:
    """The indicators of a panel as known on the day `as_of`, at which the panel's last month is `cutoff`.

    `informs` has by unique_id the identifiers of the indicators that may inform a series.
    """

    indicators: tuple[Indicator, ...]
    informs: Mapping[str, tuple[str, ...]]
    as_of: np.datetime64
    cutoff: np.datetime64

    @property
    def day(self) -> np.datetime64:
        """The last day up to `as_of` on which anything became known, so that later days give the same forecast."""
        days = np.concatenate([indicator.known_on for indicator in self.indicators])
        known = days[days <= self.as_of]
        latest: np.datetime64 = known.max() if len(known) else self.as_of
        return latest

    def day_at(self, cutoff: np.datetime64) -> np.datetime64:
        """The day of a fold: as many months before `day` as its cutoff (a month) is before the panel's."""
        return day_of_fold(self.day, self.cutoff, cutoff)


def day_of_fold(day: np.datetime64, last: np.datetime64, cutoff: np.datetime64) -> np.datetime64:
    """The day of a fold: as many months before `day` as its cutoff is before `last`, both months."""
    return shift_day(day.astype(DAY), int((cutoff.astype(MONTH) - last.astype(MONTH)).astype(int)))


def shift_day(day: np.datetime64, months: int) -> np.datetime64:
    """The same day of another month; the last day of a month stays a last day."""
    month = day.astype(MONTH)
    length, target = _days(month), month + months
    number = int((day - month.astype(DAY)).astype(int)) + 1
    moved = _days(target) if number == length else min(number, _days(target))
    shifted: np.datetime64 = target.astype(DAY) + (moved - 1)
    return shifted


def _days(month: np.datetime64) -> int:
    return int(((month + 1).astype(DAY) - month.astype(DAY)).astype(int))
