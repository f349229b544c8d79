"""How widths said at earlier folds held, and those said now drawn to it: by step, and by group next to the others.

A width says how large errors have been; the errors that came after it was said tell whether it was right. Where those
of far steps, or of totals, kept falling short of their widths, the next widths are narrower there. What all widths
have in common is left as it is: a storm that widened every error is no news of the next one.
"""

from dataclasses import replace

import numpy as np

from forecasting.data.history import FloatArray
from forecasting.uncertainty.error_scale import ErrorScale, Record

# Months of folds that count as much as the belief that a group is as the others, and after which a fold counts half.
SHRINKAGE = 12.0
HALF_LIFE = 12.0
# Widths said before so many folds were known are guesses, not held against the later ones; fewer show no slope.
FEWEST_FOLDS = 12
# An error of more widths than this counts as this many.
LARGEST = 12.0


def calibrate(widths: ErrorScale, said: FloatArray, record: Record) -> ErrorScale:
    """The widths drawn to how those `said` at earlier folds, shape (series, folds, horizon), held the record's errors.

    Steps lean by a power law, groups by a factor each.
    """
    held = np.minimum(np.abs(record.errors[:, FEWEST_FOLDS:] / said[:, FEWEST_FOLDS:]), LARGEST)
    held[record.still] = np.nan
    if not np.isfinite(held).any():
        return widths
    weights = record.halved_after(HALF_LIFE)[FEWEST_FOLDS:]
    by_step = _by_step(held, weights)
    by_group = _by_group(held / by_step, weights, record)
    return replace(widths, scale=widths.scale * by_group, growth=widths.growth * by_step)


def _by_step(held: FloatArray, weights: FloatArray) -> FloatArray:
    """The steps' factors, shape (horizon,): a power of the step, believed as far as folds agree on it."""
    steps = np.log(np.arange(1, held.shape[2] + 1))
    around = steps - steps.mean()
    whole = np.isfinite(held).all(axis=2, keepdims=True)
    profile = np.where(whole, held, 0.0).sum(axis=0)
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


def _by_group(held: FloatArray, weights: FloatArray, record: Record) -> FloatArray:
    """Each series' factor (series,): how its group's errors held next to those of all."""
    known = np.isfinite(held)
    steps = known.sum(axis=2)
    usual = np.where(known, held, 0.0).sum(axis=2) / np.maximum(steps, 1)
    counts = weights * (steps > 0)
    mean = np.sum(usual * counts) / counts.sum()
    factor = np.ones(len(held))
    for one in np.unique(record.group):
        inside = record.group == one
        total = np.sum(usual[inside] * counts[inside])
        if total > 0:
            months = weights @ (steps[inside] > 0).any(axis=0)
            trust = months / (months + SHRINKAGE)
            factor[inside] = (total / counts[inside].sum() / mean) ** trust
    return factor
