"""The combination: the weighted pool of forecasters that is published.

A forecaster's weight is what it is held to be worth before a panel is seen, over a power of its mean scaled error on
the folds known at a cutoff (inverse-error weights: Bates & Granger 1969, Stock & Watson 2004), pooled over the
panel's series: a series' own record is too short to tell forecasters apart. The weighted mean is winsorised at the
weighted quartiles, step by step: what most forecasters agree on is averaged, and one that runs away with a boom
counts for its direction only. docs/decisions/0004-combination.md has what was tried instead.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecasting.data.history import FloatArray

# What a forecaster is worth before a panel is seen, where not 1. Those that hold their trend and season back are worth
# the most, those that carry a trend on the least; learnt on three panels of trade, see the decision.
PRIOR_WEIGHTS = {
    "structural": 3.0,
    "structural_evolving": 3.0,
    "prophet": 3.0,
    "ets": 0.5,
    "theta": 0.5,
    "arima": 0.5,
    "seasonal_mean": 0.5,
}
POWER = 2.0
# Scaled errors beyond this count as this much: one bust must not decide for years.
CAP = 5.0
# Forecasts beyond these quantiles of the pool, weighted, are drawn in to them.
QUARTILE = 0.25


def combine(
    means: FloatArray,
    actuals: FloatArray,
    scale: FloatArray,
    cutoffs: NDArray[np.int64],
    names: Sequence[str],
) -> tuple[FloatArray, FloatArray]:
    """The pool at every fold, shape (series, folds, horizon), and the weights behind it (series, folds, forecasters).

    `means` has shape (series, forecasters, folds, horizon), NaN where a forecaster gave none; `actuals` (series, folds,
    horizon), NaN where unknown; `scale` (series, folds) is the in-sample one known at each cutoff, zero or NaN where
    there is none; `cutoffs` are month numbers, ascending. A fold's weights come from errors of months no later than its
    cutoff. NaN where no forecaster gave anything.
    """
    folds, horizon = means.shape[2:]
    # A series that never changed has no scale, and no say in the weights.
    usable = np.where(scale > 0, scale, np.nan)
    target = np.asarray(cutoffs)[:, None] + 1 + np.arange(horizon)
    seen = np.zeros_like(target, dtype=bool)
    total, count = np.zeros(len(names)), np.zeros(len(names))
    centre = np.empty((len(means), folds, horizon))
    weights = np.empty((len(means), folds, len(names)))
    for fold, cutoff in enumerate(cutoffs):
        news = (target <= cutoff) & ~seen
        seen |= news
        for earlier in np.flatnonzero(news.any(axis=1)):
            known = news[earlier]
            missed = np.abs(means[:, :, earlier, known] - actuals[:, None, earlier, known])
            errors = np.minimum(missed / usable[:, earlier, None, None], CAP)
            total += np.nansum(errors, axis=(0, 2))
            count += np.isfinite(errors).sum(axis=(0, 2))
        ahead = means[:, :, fold]
        weights[:, fold] = _weights(_relative_accuracy(total, count, names), ahead)
        centre[:, fold] = winsorised_mean(np.nan_to_num(ahead), weights[:, fold])
    centre[weights.sum(axis=2) == 0] = np.nan
    return centre, weights


def _relative_accuracy(total: FloatArray, count: FloatArray, names: Sequence[str]) -> FloatArray:
    """What each forecaster's say is worth, shape (forecasters,): its prior weight over a power of its mean error."""
    prior = np.array([PRIOR_WEIGHTS.get(name, 1.0) for name in names])
    recorded = count > 0
    if not recorded.any():
        return prior
    error = np.divide(total, count, out=np.zeros(len(names)), where=recorded)
    # A forecaster without any record is taken to be as good as the usual one.
    error[~recorded] = error[recorded].mean()
    worth: FloatArray = prior * np.maximum(error, 1e-3) ** -POWER
    return worth


def _weights(worth: FloatArray, ahead: FloatArray) -> FloatArray:
    """Weights (series, forecasters) that sum to one, zero where `ahead` (series, forecasters, horizon) is NaN."""
    raw = np.where(np.isfinite(ahead).all(axis=2), worth, 0.0)
    weights: FloatArray = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-300)
    return weights


def winsorised_mean(ahead: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean (series, horizon) of `ahead` (series, forecasters, horizon) held to its weighted quartiles."""
    order = np.argsort(ahead, axis=1)
    ranked = np.take_along_axis(ahead, order, axis=1)
    share = np.take_along_axis(np.broadcast_to(weights[:, :, None], ahead.shape), order, axis=1)
    below = share.cumsum(axis=1)
    # Rounding leaves sums of weights a little off the quartile they stand for.
    lo, hi = (
        np.take_along_axis(ranked, np.argmax(below >= quantile - 1e-9, axis=1)[:, None], axis=1)
        for quantile in (QUARTILE, 1.0 - QUARTILE)
    )
    mean: FloatArray = (share * np.clip(ranked, lo, hi)).sum(axis=1)
    return mean
