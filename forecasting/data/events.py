"""Events that move trade, and the cost that they add to it by month as known on a day.

Events of one measure set its rate one after another; the rate in force is the sum over measures, each times the share
of the trade that it covers. Costs are logarithms of one plus the rate, so that an effect is an elasticity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from forecasting.data.indicators import DAY, DayArray, day_of_fold
from forecasting.data.months import MONTH
from forecasting.types import FloatArray, MonthArray

REGRESSORS = ("cost", "announced", "closure")
"""The cost in force, the change of cost that is announced and not in force yet, and the share of days closed."""
LOOK_AHEAD = 90
"""Days before the effective day in which an announced change may move trade."""
LOWEST_RATE = -0.9
NEVER = np.datetime64("9999-12-31", "D")


@dataclass(frozen=True)
class Event:
    """An event with its days ('datetime64[D]'; `until` and `until_known_on` NaT without one).

    `rate_before` and `rate_after` are rates of its measure in per cent, negative for a rebate, NaN for an event
    without a rate; `share` is the part of the trade in scope that it covers; `closes` marks a closure.
    """

    id: str
    measure: str
    announced: np.datetime64
    effective: np.datetime64
    until: np.datetime64
    until_known_on: np.datetime64
    rate_before: float
    rate_after: float
    share: float = 1.0
    closes: bool = False

    @property
    def is_rated(self) -> bool:
        """Whether it sets a rate."""
        return bool(np.isfinite(self.rate_after))

    def end(self, day: np.datetime64) -> np.datetime64:
        """The first day after its last as known on a day; NEVER without one."""
        unknown = np.isnat(self.until) or (not np.isnat(self.until_known_on) and day < self.until_known_on)
        return NEVER if unknown else self.until + 1


@dataclass(frozen=True)
class EventPanel:
    """The events of a panel as known on the day `as_of`, at which the panel's last month is `cutoff`.

    `covers` has by unique_id the identifiers of the events whose scope contains the series.
    """

    events: tuple[Event, ...]
    covers: Mapping[str, tuple[str, ...]]
    as_of: np.datetime64
    cutoff: np.datetime64

    def day_at(self, cutoff: np.datetime64) -> np.datetime64:
        """The day of a fold: as many months before `as_of` as its cutoff (a month) is before the panel's."""
        return day_of_fold(self.as_of, self.cutoff, cutoff)


def exposures(events: Sequence[Event], months: MonthArray, day: np.datetime64) -> FloatArray:
    """The regressors of months as known on a day, shape (3, months), in the order of REGRESSORS; each a mean of days.

    `months` are consecutive. An announced change counts within LOOK_AHEAD days before it takes effect, from its
    announcement on.
    """
    first, after = months[0].astype(DAY), (months[-1] + 1).astype(DAY)
    dates = np.arange(first, after)
    known = [event for event in events if event.announced <= day]
    cost = np.log1p(np.maximum(_rates(known, dates, day), LOWEST_RATE))
    found = np.stack([cost, _announced(known, dates), _closed(known, dates, day)])
    starts = np.searchsorted(dates.astype(MONTH), months)
    lengths = np.diff(np.append(starts, len(dates)))
    means: FloatArray = np.add.reduceat(found, starts, axis=1) / lengths
    return means


def _rates(events: Iterable[Event], dates: DayArray, day: np.datetime64) -> FloatArray:
    """The rate in force on each date as a share: the latest event of each measure, times its coverage."""
    total = np.zeros(len(dates))
    rated = sorted((event for event in events if event.is_rated), key=lambda event: (event.measure, event.effective))
    for _, measure in groupby(rated, key=lambda event: event.measure):
        rate = np.full(len(dates), np.nan)
        for event in measure:
            before = event.share * event.rate_before
            rate = np.where(np.isnan(rate), before, rate)
            rate = np.where(dates >= event.effective, event.share * event.rate_after, rate)
            rate = np.where(dates >= event.end(day), before, rate)
        total += rate / 100
    return total


def _announced(events: Iterable[Event], dates: DayArray) -> FloatArray:
    """The change of cost on each date that is announced by it and takes effect within LOOK_AHEAD days."""
    pending = np.zeros(len(dates))
    for event in events:
        if not event.is_rated or event.effective <= event.announced:
            continue
        step = np.log1p(event.share * event.rate_after / 100) - np.log1p(event.share * event.rate_before / 100)
        ahead = (dates >= event.announced) & (dates < event.effective) & (event.effective - dates <= LOOK_AHEAD)
        pending += np.where(ahead, step, 0.0)
    return pending


def _closed(events: Iterable[Event], dates: DayArray, day: np.datetime64) -> FloatArray:
    """The share of trade on each date that is closed."""
    closed = np.zeros(len(dates))
    for event in events:
        if event.closes:
            closed = np.maximum(
                closed, np.where((dates >= event.effective) & (dates < event.end(day)), event.share, 0.0)
            )
    return closed
