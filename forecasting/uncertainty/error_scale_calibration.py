"""Calibration of the error scale by the outcomes of earlier folds: by step, and by aggregation level.

The error scale says how large errors have been; the errors after it was forecast show whether it was right. Where those
of far steps or of totals kept falling below it, the next scale is smaller there. The factor common to all series and
steps is not changed: a shock that widened every error does not predict the next one.
"""

from dataclasses import replace

import numpy as np

from forecasting.evaluation.chunks import error_blocks
from forecasting.types import FloatArray
from forecasting.uncertainty.error_scale import ErrorScale, KnownErrors

# Months of folds that weigh as much as the prior that levels are alike, and months after which a fold's weight halves.
SHRINKAGE = 12.0
HALF_LIFE = 12.0
# The scales of the first folds are mostly prior and are not calibrated; fewer folds give no slope.
FEWEST_FOLDS = 12
# Standardized errors are capped at this value.
LARGEST = 12.0


def calibrate(scale: ErrorScale, forecast_scale: FloatArray, known_errors: KnownErrors) -> ErrorScale:
    """The scale calibrated by errors relative to `forecast_scale` (series, folds, horizon), that of earlier folds.

    Steps get a power law, aggregation levels a factor each.
    """
    errors = known_errors.errors if known_errors.fold_errors is None else known_errors.fold_errors
    standardized_error = errors[:, FEWEST_FOLDS:] / forecast_scale[:, FEWEST_FOLDS:]
    np.abs(standardized_error, out=standardized_error)
    np.minimum(standardized_error, LARGEST, out=standardized_error)
    standardized_error[~known_errors.pooled] = np.nan
    if not np.isfinite(standardized_error).any():
        return scale
    weights = known_errors.halved_after(HALF_LIFE)[FEWEST_FOLDS:]
    by_step = _by_step(standardized_error, weights)
    standardized_error /= by_step
    by_group = _by_level(standardized_error, weights, known_errors)
    return replace(scale, scale=scale.scale * by_group, growth=scale.growth * by_step)


def _by_step(standardized_error: FloatArray, weights: FloatArray) -> FloatArray:
    """Factors of the steps, shape (horizon,): a power of the step, shrunk as far as folds disagree on it."""
    steps = np.log(np.arange(1, standardized_error.shape[2] + 1))
    around = steps - steps.mean()
    profile = np.zeros(standardized_error.shape[1:])
    for rows in error_blocks(standardized_error):
        whole = np.isfinite(standardized_error[rows]).all(axis=2, keepdims=True)
        profile += np.where(whole, standardized_error[rows], 0.0).sum(axis=0)
    total = profile.sum(axis=1)
    usable = total > 0
    if len(steps) < 2 or usable.sum() < FEWEST_FOLDS:
        return np.ones(len(steps))
    # For errors relative to their mean, the slope on the logarithm of the step approximates the exponent.
    slopes = len(steps) * (profile[usable] @ around) / total[usable] / np.sum(around**2)
    slope = float(np.average(slopes, weights=weights[usable]))
    # Folds a month apart share their months: a horizon of them counts as one.
    share = weights[usable] / weights[usable].sum()
    variance = len(steps) * np.sum(np.square(share * (slopes - slope)))
    reliability = max(0.0, 1.0 - variance / slope**2) if slope else 0.0
    factor: FloatArray = np.exp(reliability * slope * around)
    return factor


def _by_level(standardized_error: FloatArray, weights: FloatArray, known_errors: KnownErrors) -> FloatArray:
    """Factor of each series (series,): the mean standardized error of its aggregation level relative to all."""
    known = np.isfinite(standardized_error)
    steps = known.sum(axis=2)
    blocks = error_blocks(standardized_error)
    sums = [np.where(known[rows], standardized_error[rows], 0.0).sum(axis=2) for rows in blocks]
    usual = np.concatenate(sums) / np.maximum(steps, 1)
    counts = weights * (steps > 0)
    mean = np.sum(usual * counts) / counts.sum()
    factor = np.ones(len(standardized_error))
    for level in np.unique(known_errors.aggregation_level):
        inside = known_errors.aggregation_level == level
        total = np.sum(usual[inside] * counts[inside])
        if total > 0:
            months = weights @ (steps[inside] > 0).any(axis=0)
            reliability = months / (months + SHRINKAGE)
            factor[inside] = (total / counts[inside].sum() / mean) ** reliability
    return factor
