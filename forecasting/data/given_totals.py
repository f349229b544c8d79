"""Totals of months beyond a panel's last one that another table has published already.

A flash release gives the total of a month days before its detail. The total comes in the other table's unit; it is
brought to the panel's by the ratio of the last month that both have, whose monthly changes say how far that is off.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.data.borrowed_history import Donor
from forecasting.data.hierarchy import TOTAL, WORLD
from forecasting.data.panel import Panel
from forecasting.types import FloatArray

# A translation is trusted once as many changes of the ratio are known.
FEWEST_CHANGES = 3
# The relative error of a total that is at least assumed: published tables are rounded and revised.
LEAST_ERROR = 1e-3


@dataclass(frozen=True)
class GivenTotals:
    """The totals known at a cutoff: `values` (series, months ahead) in the panel's unit, NaN where none is known.

    `error` (series,) is the standard deviation of the relative error of the first month.
    """

    values: FloatArray
    error: FloatArray

    @property
    def months(self) -> int:
        """How many months ahead any total is known for."""
        known = np.isfinite(self.values).any(axis=0)
        return int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0

    def known(self, step: int) -> NDArray[np.bool_]:
        """Which series' total is known `step` months ahead, shape (series,)."""
        return np.isfinite(self.values[:, step - 1])

    def replace_variance(self, variance: FloatArray, step: int) -> FloatArray:
        """Error variances (series,), in squared units, with those of the totals known `step` months ahead."""
        own = step * np.square(self.error * self.values[:, step - 1])
        return np.where(self.known(step), own, variance)

    def draw(self, step: int, normal: FloatArray) -> FloatArray:
        """Draws of the totals `step` months ahead from standard normal values (draws,), shape (series, draws)."""
        relative = 1 + np.sqrt(step) * np.multiply.outer(self.error, normal)
        return np.asarray(self.values[:, step - 1, None] * relative)


def given_totals(panel: Panel, seen: FloatArray, published: Mapping[str, Donor], *, months: int) -> GivenTotals:
    """The totals published beyond the last month of `seen` (series, months up to a cutoff), up to `months` of them.

    `published` has by flow the other table's total, as known on the day of the forecast.
    """
    series, width = seen.shape
    values, error = np.full((series, months), np.nan), np.full(series, np.nan)
    keys = panel.keys
    wanted = (keys["partner"] == WORLD) & (keys["sector"] == TOTAL) if "partner" in keys else [False] * series
    for row in np.flatnonzero(np.asarray(wanted)):
        donor = published.get(str(keys["flow"].iloc[row]))
        if donor is not None:
            own = np.where(panel.imputed[row, :width], np.nan, seen[row])
            values[row], error[row] = _translated(own, _on_months(donor, panel, width + months), months)
    return GivenTotals(values, error)


def _translated(own: FloatArray, other: FloatArray, months: int) -> tuple[FloatArray, float]:
    """Values ahead of `own` (months,) from `other` (months + months ahead), and their relative error."""
    logarithm = np.log(own / other[: len(own)])
    changes = np.diff(logarithm)
    changes = changes[np.isfinite(changes)]
    if len(changes) < FEWEST_CHANGES or not np.isfinite(logarithm[-1]):
        return np.full(months, np.nan), np.nan
    error = float(np.sqrt(np.mean(np.square(changes))))
    return other[len(own) :] * np.exp(logarithm[-1]), max(error, LEAST_ERROR)


def _on_months(donor: Donor, panel: Panel, width: int) -> FloatArray:
    """The donor's values from the panel's first month on, shape (width,), NaN where it has none."""
    place = (panel.months[0] + np.arange(width) - donor.months[0]).astype(int)
    inside = (place >= 0) & (place < len(donor.values))
    aligned = np.full(width, np.nan)
    aligned[inside] = donor.values[place[inside]]
    return aligned
