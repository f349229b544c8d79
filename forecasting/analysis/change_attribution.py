"""Why a forecast moved from one run to the next: new figures, revised figures, and the rest, which is re-estimation.

What forecasters say of a month is combined three times with the old run's weights: from the figures the old run saw,
from the same months as they are known now, and from all that is known now. The differences are the first two parts;
both are made coherent by one linear map, so that the parts of a whole's change are the sums of its parts' changes.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.combination.weights import winsorised_mean
from forecasting.types import FloatArray
from forecasting.uncertainty.reconciliation import Reconciler


@dataclass(frozen=True)
class Change:
    """A change taken apart, each part of shape (series, months), in the units of `y`; they add up to it."""

    new_figures: FloatArray
    revised_figures: FloatArray
    reestimation: FloatArray


def split_change(
    change: FloatArray,
    *,
    before: FloatArray,
    revised: FloatArray,
    after: FloatArray,
    weights: FloatArray,
    reconcile: Reconciler,
) -> Change:
    """Take apart the `change` (series, months) of what is published.

    `old`, `kept` and `new` have shape (series, forecasters, months): what each forecaster says of those months from the
    old figures, from the same months as known now, and from all figures known now; NaN where it says nothing. `weights`
    (series, forecasters) are the old run's.
    """
    pooled_before, pooled_revised, pooled_after = (_pooled(means, weights) for means in (before, revised, after))
    new_figures = reconcile(pooled_after - pooled_revised)
    revised_figures = reconcile(pooled_revised - pooled_before)
    return Change(new_figures, revised_figures, change - new_figures - revised_figures)


def _pooled(means: FloatArray, weights: FloatArray) -> FloatArray:
    """The combination (series, months) of forecasters' means under given weights; 0 where none says anything."""
    usable = np.where(np.isfinite(means).all(axis=2), weights, 0.0)
    total = usable.sum(axis=1, keepdims=True)
    shares = np.divide(usable, total, out=np.zeros_like(usable), where=total > 0)
    return np.where(total > 0, winsorised_mean(np.nan_to_num(means), shares), 0.0)
