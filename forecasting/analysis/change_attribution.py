"""Attribution of a change between two runs: new observations, revisions, indicators, totals, and re-estimation.

The forecasters' means of a month are combined three times with the earlier run's weights: from the observations of the
earlier run, from the same months as known now, and from all observations known now. The differences are the first two
parts; the indicators' part of the later run's forecasts less their part of the earlier run's is the third, and so with
totals that are published before their detail. Re-estimation is the rest. All are reconciled by one linear map, so that
the parts of an aggregate's change are the sums of its parts'.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.combination.weights import winsorised_mean
from forecasting.types import FloatArray
from forecasting.uncertainty.reconciliation import Reconciler


@dataclass(frozen=True)
class Change:
    """The parts of a change, each of shape (series, months), in the units of `y`; their sum is the change."""

    new_figures: FloatArray
    revised_figures: FloatArray
    indicators: FloatArray
    published_total: FloatArray
    reestimation: FloatArray


def split_change(
    change: FloatArray,
    *,
    before: FloatArray,
    revised: FloatArray,
    after: FloatArray,
    weights: FloatArray,
    indicators: FloatArray,
    published_total: FloatArray,
    reconcile: Reconciler,
) -> Change:
    """Attribute the `change` (series, months) of published forecasts.

    `before`, `revised` and `after` have shape (series, forecasters, months): the forecasters' means from the earlier
    run's observations, from the same months as known now, and from all observations known now; NaN where there is none.
    `weights` (series, forecasters) are the earlier run's; `indicators` and `published_total` (series, months) are the
    differences between the effects of indicators and of published totals in the runs; the latter are coherent.
    """
    pooled_before, pooled_revised, pooled_after = (_pooled(means, weights) for means in (before, revised, after))
    new_figures = reconcile(pooled_after - pooled_revised)
    revised_figures = reconcile(pooled_revised - pooled_before)
    moved = reconcile(indicators) if indicators.any() else indicators
    rest = change - new_figures - revised_figures - moved - published_total
    return Change(new_figures, revised_figures, moved, published_total, rest)


def _pooled(means: FloatArray, weights: FloatArray) -> FloatArray:
    """The combination (series, months) of forecasters' means with given weights; 0 where there is none."""
    usable = np.where(np.isfinite(means).all(axis=2), weights, 0.0)
    total = usable.sum(axis=1, keepdims=True)
    shares = np.divide(usable, total, out=np.zeros_like(usable), where=total > 0)
    return np.where(total > 0, winsorised_mean(np.nan_to_num(means), shares), 0.0)
