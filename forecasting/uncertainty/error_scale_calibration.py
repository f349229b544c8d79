"""How widths said at earlier folds held, and those said now drawn to it: by step, and by group next to the others.

A width says how large errors have been; the errors that came after it was said tell whether it was right. Where those
of far steps, or of totals, kept falling short of their widths, the next widths are narrower there. What all widths
have in common is left as it is: a storm that widened every error is no news of the next one.
"""

from dataclasses import replace

import numpy as np

from forecasting.types import FloatArray
from forecasting.uncertainty.error_scale import ErrorScale, KnownErrors

# Months of folds that count as much as the belief that a group is as the others, and after which a fold counts half.
SHRINKAGE = 12.0
HALF_LIFE = 12.0
# Widths said before so many folds were known are guesses, not held against the later ones; fewer show no slope.
FEWEST_FOLDS = 12
# An error of more widths than this counts as this many.
LARGEST = 12.0


def calibrate(scale: ErrorScale, forecast_scale: FloatArray, known_errors: KnownErrors) -> ErrorScale:
    """The widths drawn to how those `said` at earlier folds, shape (series, folds, horizon), held the record's errors.

    Steps lean by a power law, groups by a factor each.
    """
    standardized_error = np.minimum(
        np.abs(known_errors.errors[:, FEWEST_FOLDS:] / forecast_scale[:, FEWEST_FOLDS:]), LARGEST
    )
    standardized_error[known_errors.inactive] = np.nan
    if not np.isfinite(standardized_error).any():
        return scale
    weights = known_errors.halved_after(HALF_LIFE)[FEWEST_FOLDS:]
    by_step = _by_step(standardized_error, weights)
    by_group = _by_group(standardized_error / by_step, weights, known_errors)
    return replace(scale, scale=scale.scale * by_group, growth=scale.growth * by_step)


def _by_step(standardized_error: FloatArray, weights: FloatArray) -> FloatArray:
    """The steps' factors, shape (horizon,): a power of the step, believed as far as folds agree on it."""
    steps = np.log(np.arange(1, standardized_error.shape[2] + 1))
    around = steps - steps.mean()
    whole = np.isfinite(standardized_error).all(axis=2, keepdims=True)
    profile = np.where(whole, standardized_error, 0.0).sum(axis=0)
    total = profile.sum(axis=1)
    usable = total > 0
    if len(steps) < 2 or usable.sum() < FEWEST_FOLDS:
        return np.ones(len(steps))
    # Of errors over their mean, the slope on the logarithm of the step is the exponent, nearly.
    slopes = len(steps) * (profile[usable] @ around) / total[usable] / np.sum(around**2)
    slope = float(np.average(slopes, weights=weights[usable]))
    # Folds a month apart share their months: a horizon of them is one.
    share = weights[usable] / weights[usable].sum()
    variance = len(steps) * np.sum(np.square(share * (slopes - slope)))
    trust = max(0.0, 1.0 - variance / slope**2) if slope else 0.0
    factor: FloatArray = np.exp(trust * slope * around)
    return factor


def _by_group(standardized_error: FloatArray, weights: FloatArray, known_errors: KnownErrors) -> FloatArray:
    """Each series' factor (series,): how its group's errors held next to those of all."""
    known = np.isfinite(standardized_error)
    steps = known.sum(axis=2)
    usual = np.where(known, standardized_error, 0.0).sum(axis=2) / np.maximum(steps, 1)
    counts = weights * (steps > 0)
    mean = np.sum(usual * counts) / counts.sum()
    factor = np.ones(len(standardized_error))
    for one in np.unique(known_errors.aggregation_level):
        inside = known_errors.aggregation_level == one
        total = np.sum(usual[inside] * counts[inside])
        if total > 0:
            months = weights @ (steps[inside] > 0).any(axis=0)
            trust = months / (months + SHRINKAGE)
            factor[inside] = (total / counts[inside].sum() / mean) ** trust
    return factor
