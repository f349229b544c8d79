"""A short panel with the earlier shape of a long series: season, calendar and growth before its own first month.

Months before a series begins are those of a longer series of the same flow, scaled to the series over its first year.
They are imputed: forecasters estimate from them, nothing is scored on them. The scale is the ratio of sums, so that
parts that add up in their own months add up in the borrowed ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.data.panel import Panel
from forecasting.types import FloatArray

BORROWED_MONTHS = 84
"""Months that are borrowed at most: seven years of season and calendar."""


@dataclass(frozen=True, slots=True)
class Donor:
    """A long series: consecutive `months` (datetime64[M]) and its values in any unit, shape (months,)."""

    months: NDArray[np.datetime64]
    values: FloatArray


def borrow_history(panel: Panel, donors: Mapping[str, Donor]) -> Panel:
    """The panel with earlier months of the donor of each series' flow; a series without a donor is as before."""
    first = panel.months[0]
    lengths = [int((first - donor.months[0]).astype(int)) for donor in donors.values()]
    borrowed = min(max([0, *lengths]), BORROWED_MONTHS)
    if not borrowed:
        return panel
    width = borrowed + len(panel.months)
    months = first - borrowed + np.arange(width)
    own = np.full((len(panel.unique_ids), width), np.nan)
    own[:, borrowed:] = panel.values
    imputed = np.zeros(own.shape, dtype=bool)
    imputed[:, borrowed:] = panel.imputed
    values = _extended(own, _aligned(panel, donors, months))
    imputed |= np.isnan(own) & np.isfinite(values)
    return replace(panel, months=months, values=values, imputed=imputed)


def borrowed_at_cutoffs(
    panel: Panel,
    original: Panel,
    donors: Mapping[str, Donor],
    cutoffs: Sequence[int],
    vintage_values: Mapping[int, FloatArray],
) -> dict[int, FloatArray]:
    """Values known at each cutoff of a panel with borrowed history, shape (series, cutoff + 1), by cutoff.

    `original` is the panel without it. The scale of the borrowed months is estimated again at each cutoff, from the own
    months known at it, of which `vintage_values` gives the vintages that were kept.
    """
    own = np.full(panel.values.shape, np.nan)
    own[:, len(panel.months) - len(original.months) :] = original.values
    donor = _aligned(panel, donors, panel.months)
    found = {}
    for cutoff in cutoffs:
        known = vintage_values.get(cutoff, own[:, : cutoff + 1])
        found[cutoff] = _extended(known, donor[:, : cutoff + 1])
    return found


def _aligned(panel: Panel, donors: Mapping[str, Donor], months: NDArray[np.datetime64]) -> FloatArray:
    """The donor of each series over the months, shape (series, months), NaN where there is none."""
    flows = panel.keys["flow"] if "flow" in panel.keys else [""] * len(panel.unique_ids)
    aligned = np.full((len(panel.unique_ids), len(months)), np.nan)
    for row, flow in enumerate(flows):
        donor = donors.get(flow)
        if donor is not None:
            place = (months - donor.months[0]).astype(int)
            inside = (place >= 0) & (place < len(donor.values))
            aligned[row, inside] = donor.values[place[inside]]
    return aligned


def _extended(own: FloatArray, donor: FloatArray) -> FloatArray:
    """Own values (series, months), before the first of them the donor's, scaled over the first common year."""
    values = own.copy()
    for row in range(len(own)):
        seen = np.flatnonzero(np.isfinite(own[row]))
        if not len(seen):
            continue
        common = seen[:MONTHS_PER_YEAR]
        common = common[np.isfinite(donor[row, common])]
        total = donor[row, common].sum()
        if total > 0:
            before = np.arange(seen[0])
            values[row, before] = donor[row, before] * (own[row, common].sum() / total)
    return values
