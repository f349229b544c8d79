"""Contributions of parts to the growth of their whole, and a shift-share decomposition, draw by draw.

Means are reported: in every draw the contributions sum to the growth of the whole, and so do their means. Shift-share
(Dunn 1960, Papers of the Regional Science Association 6): the change of a part is its change at the growth rate of the
whole, the mix effect of its group growing faster or slower than the whole, and the rest, which is the part's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class Contributions:
    """Draws of a comparison of two periods, shape (parts, draws), and of the whole, shape (draws,).

    `level` and `base` are sums over the two periods in the unit of the series. `growth` is in per cent (NaN where the
    base is not positive). The others are NaN without a whole, or where it is not positive in every draw of the base
    period: `contribution` is in percentage points of the growth of the whole, `share` and `base_share` in per cent of
    it. `at_whole_rate` is the change that a part would have had at the growth rate of the whole, `mix` the effect of
    the growth of its group beyond the whole, and `own` the rest, all in the unit of the series.
    """

    level: FloatArray
    base: FloatArray
    contribution: FloatArray
    growth: FloatArray
    share: FloatArray
    base_share: FloatArray
    at_whole_rate: FloatArray
    mix: FloatArray
    own: FloatArray
    whole_growth: FloatArray

    @property
    def change(self) -> FloatArray:
        """The change of each part, shape (parts, draws), in the unit of the series."""
        return self.level - self.base


def contributions(
    level: FloatArray,
    base: FloatArray,
    whole: FloatArray | None,
    whole_base: FloatArray | None,
    groups: Sequence[int | None] | None = None,
) -> Contributions:
    """Compare two periods; `level` and `base` have shape (parts, draws), the sums of the whole (draws,).

    `groups` gives the row of the group that each part is a member of; None where it is in none.
    """
    growth = _growth(level, base)
    if whole is None or whole_base is None or not (whole_base > 0).all():
        return _without_whole(level, base, growth)
    whole_growth = whole / whole_base - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole > 0, 100 * level / whole, np.nan)
    at_whole_rate = base * whole_growth
    mix = _mix(base, growth / 100, whole_growth, groups or [None] * len(level))
    return Contributions(
        level=level,
        base=base,
        contribution=100 * (level - base) / whole_base,
        growth=growth,
        share=share,
        base_share=100 * base / whole_base,
        at_whole_rate=at_whole_rate,
        mix=mix,
        own=level - base - at_whole_rate - mix,
        whole_growth=100 * whole_growth,
    )


def _without_whole(level: FloatArray, base: FloatArray, growth: FloatArray) -> Contributions:
    unknown = np.full(level.shape, np.nan)
    return Contributions(
        level=level,
        base=base,
        contribution=unknown,
        growth=growth,
        share=unknown,
        base_share=unknown,
        at_whole_rate=unknown,
        mix=unknown,
        own=unknown,
        whole_growth=np.full(level.shape[1], np.nan),
    )


def _growth(level: FloatArray, base: FloatArray) -> FloatArray:
    """Growth in per cent, NaN where the base is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base > 0, 100 * (level / base - 1), np.nan)


def _mix(base: FloatArray, growth: FloatArray, whole_growth: FloatArray, groups: Sequence[int | None]) -> FloatArray:
    """The change that the growth of each part's group beyond that of the whole makes; zero without a group."""
    mix = np.zeros(base.shape)
    for row, group in enumerate(groups):
        if group is not None:
            mix[row] = base[row] * np.nan_to_num(growth[group] - whole_growth)
    return mix


def mean_and_interval(draws: FloatArray, probabilities: Sequence[float]) -> tuple[float, list[float]] | None:
    """Mean and quantiles of draws (draws,); None where a draw is not defined."""
    if not np.isfinite(draws).all():
        return None
    return float(draws.mean()), np.quantile(draws, list(probabilities)).tolist()
