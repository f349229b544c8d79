"""Drift correction: the combination moved by a series' recent bias, as far as earlier folds show that bias persists.

A run of forecasts that were too low one month ahead may announce that the next ones will be too low as well. On the
arsinh scale, the errors of earlier folds are regressed on the bias known at their cutoffs, with one coefficient for all
series and steps. On most panels bias does not persist, so the coefficient is shrunk by its standard error over folds
(the positive-part rule of James and Stein 1961) and bounded.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.evaluation.chunks import error_blocks
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

# Months over which the bias of the first step is averaged.
BIAS_MONTHS = 12
# The square of the number of standard errors below which the coefficient is zero.
SHRINKAGE = 16.0
LARGEST_COEFFICIENT = 0.3
# On the arsinh scale: one extreme error must not determine the bias or the coefficient.
ERROR_LIMIT = 1.0
FEWEST_FOLDS = 6


def correct_drift(
    centre: FloatArray, actual: FloatArray, transform_unit: FloatArray, cutoffs: NDArray[np.int64]
) -> FloatArray:
    """The combination corrected for persistent bias, shape (series, folds, horizon), in the units of `y`.

    `centre` and `actual`, NaN where unknown, have that shape too; `transform_unit` (series, folds) is the unit of the
    arsinh transform; `cutoffs` (folds,) are month numbers, ascending. A fold uses errors of months up to its cutoff.
    """
    unit = transform_unit[..., None]
    errors = transform(actual, unit)
    errors -= transform(centre, unit)
    np.clip(errors, -ERROR_LIMIT, ERROR_LIMIT, out=errors)
    bias = _known_bias(errors[..., 0], np.asarray(cutoffs))
    steps = 1 + np.arange(centre.shape[2])
    corrected = centre.copy()
    for fold, cutoff in enumerate(cutoffs):
        reached = np.asarray(cutoffs)[:fold, None] + steps <= cutoff
        coefficient = _coefficient(errors[:, :fold], reached, bias[:, :fold])
        # A forecast of zero is that of a discontinued series.
        moved = (bias[:, fold, None] != 0.0) & (centre[:, fold] != 0.0)
        if coefficient and moved.any():
            shifted = transform(centre[:, fold], unit[:, fold]) + coefficient * bias[:, fold, None]
            ahead = inverse_transform(shifted, unit[:, fold])
            corrected[:, fold] = np.where(moved, ahead, centre[:, fold])
    return corrected


def _known_bias(first_errors: FloatArray, cutoffs: NDArray[np.int64]) -> FloatArray:
    """Mean errors one month ahead over the last months known at each cutoff, shape (series, folds); zero if unknown."""
    age = cutoffs[:, None] - (cutoffs[None, :] + 1)
    recent = ((age >= 0) & (age < BIAS_MONTHS)).astype(np.float64)
    known = np.isfinite(first_errors)
    counts = known @ recent.T
    bias: FloatArray = (np.where(known, first_errors, 0.0) @ recent.T) / np.maximum(counts, 1.0)
    return bias


def _coefficient(errors: FloatArray, reached: NDArray[np.bool_], bias: FloatArray) -> float:
    """The shrunk coefficient of `errors` (series, folds, horizon) on `bias` (series, folds).

    The errors of the months `reached` (folds, horizon) are known, unless they are NaN.
    """
    products, squares = np.zeros((2, errors.shape[1]))
    for rows in error_blocks(errors):
        known = reached & np.isfinite(errors[rows])
        cross = np.where(known, errors[rows], 0.0).sum(axis=2)
        products += (cross * bias[rows]).sum(axis=0)
        squares += (known.sum(axis=2) * bias[rows] ** 2).sum(axis=0)
    used = squares > 0
    if np.count_nonzero(used) < FEWEST_FOLDS:
        return 0.0
    products, squares = products[used], squares[used]
    coefficient = products.sum() / squares.sum()
    if coefficient <= 0:
        return 0.0
    variance = _overlapping_variance(products - coefficient * squares, errors.shape[2])
    signal = (coefficient * squares.sum()) ** 2 / max(variance, 1e-300)
    return float(min(coefficient * max(0.0, 1.0 - SHRINKAGE / signal), LARGEST_COEFFICIENT))


def _overlapping_variance(residuals: FloatArray, horizon: int) -> float:
    """The variance of a sum over folds whose errors overlap by up to `horizon` months (Newey & West 1987)."""
    lags = min(horizon, len(residuals) - 1)
    independent = float(np.square(residuals).sum())
    products = [(residuals[lag:] * residuals[:-lag]).sum() for lag in range(1, lags + 1)]
    weighted = sum(2 * (1 - lag / (lags + 1)) * product for lag, product in enumerate(products, start=1))
    # Estimated from few folds, negative covariances are not believed by more than a half.
    return max(independent + float(weighted), independent / 2)
