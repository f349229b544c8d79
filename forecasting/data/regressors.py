"""Own regressors: monthly columns with future values, each value with the day on which it became known.

A fold takes the values known on its own day, as far from its cutoff as the panel's day from the panel's last month. A
column enters a fold where it is known for every month to be forecast; it is centred and scaled by the months of the
history, so that one prior fits columns of any unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.data.indicators import DayArray, day_of_fold
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray, MonthArray

FEWEST_MONTHS = 2 * MONTHS_PER_YEAR
"""Months of the history in which a column must be known."""
UNIT = 0.5
"""A standard deviation of a column in units of calendar regressors, whose prior it has."""


@dataclass(frozen=True)
class Regressor:
    """A column with every vintage of it.

    `months` ('datetime64[M]'), `known_on` ('datetime64[D]') and `values` have shape (vintages,), sorted by month, then
    day.
    """

    id: str
    months: MonthArray
    known_on: DayArray
    values: FloatArray

    def known(self, months: MonthArray, day: np.datetime64) -> FloatArray:
        """The latest values of consecutive months known on a day, shape (months,); NaN where none is."""
        found = np.full(len(months), np.nan)
        public = self.known_on <= day
        place = (self.months[public] - months[0]).astype(np.int64)
        inside = (place >= 0) & (place < len(months))
        # A later vintage of a month follows an earlier one, and replaces it.
        found[place[inside]] = self.values[public][inside]
        return found


@dataclass(frozen=True)
class RegressorPanel:
    """The own regressors of a panel as known on the day `as_of`, at which the panel's last month is `cutoff`.

    `informs` has by unique_id the identifiers of the regressors of a series.
    """

    regressors: tuple[Regressor, ...]
    informs: Mapping[str, tuple[str, ...]]
    as_of: np.datetime64
    cutoff: np.datetime64

    def of(self, unique_id: str) -> tuple[Regressor, ...]:
        """The regressors of a series."""
        wanted = set(self.informs.get(unique_id, ()))
        return tuple(regressor for regressor in self.regressors if regressor.id in wanted)

    def columns(self, unique_id: str, months: MonthArray, cutoff: np.datetime64) -> FloatArray:
        """Values of the regressors of a series at a fold, shape (months, k); NaN where not known on the fold's day."""
        day = day_of_fold(self.as_of, self.cutoff, cutoff)
        return np.stack([regressor.known(months, day) for regressor in self.of(unique_id)], axis=1)


def scaled(columns: FloatArray, observed: int) -> tuple[FloatArray, FloatArray]:
    """Columns (months, k) as regressors, those that are usable, and the value of one unit of each, shape (k,).

    `observed` months precede those to be forecast. A column is used where it is known for FEWEST_MONTHS of the former
    and all of the latter, and varies; its missing months count as its mean. The unit of an unused column is NaN.
    """
    past, ahead = columns[:observed], columns[observed:]
    known = np.isfinite(past).sum(axis=0)
    complete = np.isfinite(ahead).all(axis=0) & (known >= FEWEST_MONTHS)
    centre, spread = np.zeros(columns.shape[1]), np.full(columns.shape[1], np.nan)
    centre[complete], spread[complete] = np.nanmean(past[:, complete], axis=0), np.nanstd(past[:, complete], axis=0)
    used: NDArray[np.bool_] = complete & (spread > 0)
    unit = np.where(used, spread / UNIT, np.nan)
    found = np.nan_to_num((columns[:, used] - centre[used]) / unit[used])
    return found, unit
