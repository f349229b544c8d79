"""The combination: the weighted pool of forecasters that is published.

A forecaster's weight falls with the cube of its mean scaled error on the folds known at a cutoff (inverse-error
weights: Bates & Granger 1969, Stock & Watson 2004), half of a series' own folds and half of the whole panel's, so that a short
record leans on what works everywhere. Errors are capped: one bust must not decide for years.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecasting.history import FloatArray

POWER = 3.0
OWN_SHARE = 0.5
# Scaled errors beyond this count as this much.
CAP = 20.0


def combine(
    means: FloatArray,
    actuals: FloatArray,
    scale: FloatArray,
    cutoffs: NDArray[np.int64],
    names: Sequence[str],
) -> tuple[FloatArray, FloatArray]:
    """The pool at every fold, shape (series, folds, horizon), and the weights behind it (series, folds, forecasters).

    `means` has shape (series, forecasters, folds, horizon), NaN where a forecaster gave none; `actuals` (series, folds,
    horizon), NaN where unknown; `scale` (series, folds) is the in-sample one known at each cutoff; `cutoffs` are month
    numbers, ascending. A fold's weights come from errors of months no later than its cutoff.
    """
    folds, horizon = means.shape[2:]
    usable = np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)
    errors = np.minimum(np.abs(means - actuals[:, None]) / usable[:, None, :, None], CAP)
    target = np.asarray(cutoffs)[:, None] + 1 + np.arange(horizon)
    total, count = np.zeros(means.shape[:2]), np.zeros(means.shape[:2])
    centre = np.empty((len(means), folds, horizon))
    weights = np.empty((len(means), folds, len(names)))
    seen = np.zeros_like(target, dtype=bool)
    for fold, cutoff in enumerate(cutoffs):
        news = (target <= cutoff) & ~seen
        seen |= news
        arrived = errors[:, :, news]
        known = np.isfinite(arrived)
        total += np.where(known, arrived, 0.0).sum(axis=-1)
        count += known.sum(axis=-1)
        available: NDArray[np.bool_] = np.asarray(np.isfinite(means[:, :, fold]).all(axis=-1))
        weights[:, fold] = _weights(total, count, available)
        centre[:, fold] = np.einsum("sf,sfh->sh", weights[:, fold], np.nan_to_num(means[:, :, fold]))
    centre[weights.sum(axis=2) == 0] = np.nan
    return centre, weights


def _weights(total: FloatArray, count: FloatArray, available: NDArray[np.bool_]) -> FloatArray:
    """Weights (series, forecasters) that sum to one; equal without a record, zero for what is not available."""
    pooled_count = count.sum(axis=0)
    pooled = np.where(pooled_count > 0, total.sum(axis=0) / np.maximum(pooled_count, 1), np.nan)
    # A forecaster without any record is taken to be as good as the usual one.
    usual = np.nanmean(pooled) if np.isfinite(pooled).any() else 1.0
    pooled = np.where(np.isfinite(pooled), pooled, usual)
    own = np.where(count > 0, total / np.maximum(count, 1), pooled)
    error = np.maximum(OWN_SHARE * own + (1 - OWN_SHARE) * pooled, 1e-3)
    raw: FloatArray = np.where(available, error**-POWER, 0.0)
    weights: FloatArray = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-300)
    return weights
