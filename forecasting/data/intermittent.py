"""Intermittent series: many zeros, or small values with a few large ones, around a stable mean.

The mean of such a series is far above its median, and errors around a central forecast do not describe it. Its months
ahead are drawn from the distribution of its recent values, whose mean is a mean (as in Willemain, Smart and Schwarz
2004, who bootstrap intermittent demand).
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray

WINDOW = 3 * MONTHS_PER_YEAR
SHORTEST = 2 * MONTHS_PER_YEAR
ZERO_SHARE = 0.5
# The mean is at least this many medians.
SKEWNESS = 3.0
# The means of the two halves of the window differ by less than this factor: a collapse or a boom is no stable mean.
STABLE_RATIO = 4.0
# Months after which the weight of a value halves.
HALF_LIFE = 18.0


def intermittent_series(values: FloatArray) -> NDArray[np.bool_]:
    """Whether each series is intermittent, shape (series,), from the values known at a cutoff (series, months)."""
    return np.array([_is_intermittent(_window(row)) for row in values], dtype=bool)


def recent_quantiles(values: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Quantiles of the recency-weighted recent values of one series (months,), shape of `probabilities`."""
    window = _window(values)
    weights = 0.5 ** (np.arange(len(window))[::-1] / HALF_LIFE)
    order = np.argsort(window, kind="stable")
    cumulative = np.cumsum(weights[order]) / weights.sum()
    place = np.minimum(np.searchsorted(cumulative, probabilities), len(window) - 1)
    found: FloatArray = window[order][place]
    return found


def _window(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)][-WINDOW:]


def _is_intermittent(window: FloatArray) -> bool:
    if len(window) < SHORTEST:
        return False
    half = len(window) // 2
    first, second = np.abs(window[:half]).mean(), np.abs(window[half:]).mean()
    if min(first, second) * STABLE_RATIO < max(first, second) or max(first, second) == 0:
        return False
    skewed = window.min() >= 0 and window.mean() >= SKEWNESS * np.median(window)
    return bool((window == 0).mean() >= ZERO_SHARE or skewed)
