"""Contributions of parts to the growth of their whole, and a shift-share decomposition, draw by draw.

Means are reported: in every draw the contributions sum to the growth of the whole, and so do their means. Shift-share
(Dunn 1960, Papers of the Regional Science Association 6): the change of a part is the change at the
growth rate of the whole, and the rest, which is the part's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class Contributions:
    """Draws of a comparison of two periods, shape (parts, draws), and of the whole, shape (draws,).

    `level` and `base` are sums over the two periods in the unit of the series. `contribution` is in percentage points
    of the growth of the whole, `growth` in per cent (NaN where the base is not positive), `share` and `base_share` in
    per cent of the whole. `at_whole_rate` is the change that a part would have had at the growth rate of the whole and
    `own` the rest of its change, both in the unit of the series.
    """

    level: FloatArray
    base: FloatArray
    contribution: FloatArray
    growth: FloatArray
    share: FloatArray
    base_share: FloatArray
    at_whole_rate: FloatArray
    own: FloatArray
    whole_growth: FloatArray

    @property
    def change(self) -> FloatArray:
        """The change of each part, shape (parts, draws), in the unit of the series."""
        return self.level - self.base


def contributions(level: FloatArray, base: FloatArray, whole: FloatArray, whole_base: FloatArray) -> Contributions:
    """Compare two periods; `level` and `base` have shape (parts, draws), the sums of the whole (draws,).

    Raises:
        ValueError: the whole is not positive in every draw of the base period.
    """
    if not (whole_base > 0).all():
        raise ValueError("the whole is not positive in the base period")
    whole_growth = whole / whole_base - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(base > 0, 100 * (level / base - 1), np.nan)
        share = np.where(whole > 0, 100 * level / whole, np.nan)
    at_whole_rate = base * whole_growth
    return Contributions(
        level=level,
        base=base,
        contribution=100 * (level - base) / whole_base,
        growth=growth,
        share=share,
        base_share=100 * base / whole_base,
        at_whole_rate=at_whole_rate,
        own=level - base - at_whole_rate,
        whole_growth=100 * whole_growth,
    )


def mean_and_interval(draws: FloatArray, probabilities: Sequence[float]) -> tuple[float, list[float]] | None:
    """Mean and quantiles of draws (draws,); None where a draw is not defined."""
    if not np.isfinite(draws).all():
        return None
    return float(draws.mean()), np.quantile(draws, list(probabilities)).tolist()
