"""The combination: the weighted pool of forecasters that is published.

A forecaster's weight is its prior weight divided by a power of its mean scaled error on the folds known at a cutoff
(inverse-error weights: Bates & Granger 1969, Stock & Watson 2004). Errors are pooled over the panel's series, because
the record of a single series is too short to tell forecasters apart. The weighted mean is winsorised at the weighted
quartiles, step by step: one extreme forecast contributes its direction only.
docs/decisions/0004-combination.md lists the alternatives that were tested.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray

POWER = 2.0
# Scaled errors are capped: one large error must not dominate the weights for years.
CAP = 5.0
# Forecasts outside these weighted quantiles of the pool are moved to them.
QUARTILE = 0.25


def combine(
    means: FloatArray,
    actuals: FloatArray,
    scale: FloatArray,
    cutoffs: NDArray[np.int64],
    prior_weights: Sequence[float],
) -> tuple[FloatArray, FloatArray]:
    """The pool at every fold, shape (series, folds, horizon), and its weights (series, folds, forecasters).

    `means` has shape (series, forecasters, folds, horizon), NaN where a forecaster gave none; `actuals` (series, folds,
    horizon), NaN where unknown; `scale` (series, folds) is the in-sample one known at each cutoff, zero or NaN where
    there is none; `cutoffs` are month numbers, ascending; `prior_weights` (forecasters,). A fold's weights use the
    errors of months up to its cutoff. NaN where no forecaster gave a forecast.
    """
    folds, horizon = means.shape[2:]
    prior = np.asarray(prior_weights, dtype=np.float64)
    # A series that never changed has no scale and no influence on the weights.
    usable = np.where(scale > 0, scale, np.nan)
    target = np.asarray(cutoffs)[:, None] + 1 + np.arange(horizon)
    counted = np.zeros_like(target, dtype=bool)
    total, count = np.zeros(len(prior)), np.zeros(len(prior))
    centre = np.empty((len(means), folds, horizon))
    weights = np.empty((len(means), folds, len(prior)))
    for fold, cutoff in enumerate(cutoffs):
        newly_known = (target <= cutoff) & ~counted
        counted |= newly_known
        for earlier in np.flatnonzero(newly_known.any(axis=1)):
            known = newly_known[earlier]
            errors = np.abs(means[:, :, earlier, known] - actuals[:, None, earlier, known])
            scaled = np.minimum(errors / usable[:, earlier, None, None], CAP)
            total += np.nansum(scaled, axis=(0, 2))
            count += np.isfinite(scaled).sum(axis=(0, 2))
        ahead = means[:, :, fold]
        weights[:, fold] = _normalised(_relative_accuracy(total, count, prior), ahead)
        centre[:, fold] = winsorised_mean(np.nan_to_num(ahead), weights[:, fold])
    centre[weights.sum(axis=2) == 0] = np.nan
    return centre, weights


def _relative_accuracy(total: FloatArray, count: FloatArray, prior: FloatArray) -> FloatArray:
    """Unnormalised weight of each forecaster (forecasters,): its prior weight over a power of its mean error."""
    scored = count > 0
    if not scored.any():
        return prior
    error = np.divide(total, count, out=np.zeros(len(prior)), where=scored)
    # A forecaster without scores gets the mean error of the others.
    error[~scored] = error[scored].mean()
    accuracy: FloatArray = prior * np.maximum(error, 1e-3) ** -POWER
    return accuracy


def _normalised(accuracy: FloatArray, ahead: FloatArray) -> FloatArray:
    """Weights (series, forecasters) that sum to one, zero where `ahead` (series, forecasters, horizon) is NaN."""
    raw = np.where(np.isfinite(ahead).all(axis=2), accuracy, 0.0)
    weights: FloatArray = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-300)
    return weights


def winsorised_mean(ahead: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean (series, horizon) of `ahead` (series, forecasters, horizon), clipped to its quartiles."""
    order = np.argsort(ahead, axis=1)
    ranked = np.take_along_axis(ahead, order, axis=1)
    share = np.take_along_axis(np.broadcast_to(weights[:, :, None], ahead.shape), order, axis=1)
    cumulative = share.cumsum(axis=1)
    # The tolerance absorbs rounding in sums of weights.
    lo, hi = (
        np.take_along_axis(ranked, np.argmax(cumulative >= quantile - 1e-9, axis=1)[:, None], axis=1)
        for quantile in (QUARTILE, 1.0 - QUARTILE)
    )
    mean: FloatArray = (share * np.clip(ranked, lo, hi)).sum(axis=1)
    return mean
