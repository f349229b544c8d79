"""Series that represent a panel: those from which properties shared by all series are estimated.

A new, short, idle, discontinued, collapsed or erratic series is forecast like any other, but must not change the
forecasts of the others, so that it is excluded from pooled estimates.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray

WINDOW = 3 * MONTHS_PER_YEAR
SHORTEST = 2 * MONTHS_PER_YEAR
QUARTER = 3
# A representative series has a value other than zero in this share of the window, and no value above so many times both
# the median of the window and the mean of the months before and after it: a boom is no isolated value.
ACTIVE_SHARE, LARGEST_RATIO = 0.5, 30.0
AROUND = 2
# The mean of its recent months is at least this share of the mean of the window.
COLLAPSED_SHARE = 0.1


def representative_series(values: FloatArray, *, recent: int = MONTHS_PER_YEAR) -> NDArray[np.bool_]:
    """Whether each series represents the panel, shape (series,), from the values known at a cutoff (series, months).

    A series whose mean over `recent` months collapsed does not. All series with a value do where none qualifies, as in
    a panel of short series.
    """
    window = np.abs(values[:, -WINDOW:])
    known = np.isfinite(window)
    size = np.where(known, window, 0.0)
    count = known.sum(axis=1)
    current = known[:, -MONTHS_PER_YEAR:]
    active = (size > 0).sum(axis=1) >= ACTIVE_SHARE * np.maximum(count, 1)
    mean = size.sum(axis=1) / np.maximum(count, 1)
    level = size[:, -recent:].sum(axis=1) / np.maximum(known[:, -recent:].sum(axis=1), 1)
    # Months without values are a delay, which `current` covers.
    collapsed = known[:, -recent:].any(axis=1) & (level < COLLAPSED_SHARE * mean)
    usual = np.maximum(_median(window)[:, None], _mean_around(window))
    steady = ~collapsed & (size <= LARGEST_RATIO * usual).all(axis=1)
    found = (count >= SHORTEST) & current.any(axis=1) & active & steady
    return found if found.any() else np.asarray(np.isfinite(values).any(axis=1))


def representative_ahead(values: FloatArray, cutoffs: NDArray[np.int64], horizon: int) -> NDArray[np.bool_]:
    """Whether each series represents the panel in the months ahead of cutoffs, shape (series, cutoffs, horizon).

    `values` has shape (series, months), `cutoffs` are positions in the months. Each month is judged by the values up to
    it, and a collapse by a quarter; False beyond the last cutoff, whose months are not known.
    """
    first, last = int(cutoffs[0]) + 1, int(cutoffs[-1])
    by_month = np.zeros((len(values), last - first + 1 + horizon), dtype=bool)
    for month in range(first, last + 1):
        by_month[:, month - first] = representative_series(values[:, : month + 1], recent=QUARTER)
    return by_month[:, np.asarray(cutoffs)[:, None] + 1 + np.arange(horizon) - first]


def _mean_around(window: FloatArray) -> FloatArray:
    """The mean of the known values up to AROUND months before and after each month of `window`, same shape."""
    known = np.isfinite(window)
    total, count = np.zeros(window.shape), np.zeros(window.shape)
    for lag in range(1, AROUND + 1):
        for here, there in ((np.s_[:, lag:], np.s_[:, :-lag]), (np.s_[:, :-lag], np.s_[:, lag:])):
            total[here] += np.where(known[there], window[there], 0.0)
            count[here] += known[there]
    return np.asarray(total / np.maximum(count, 1.0))


def _median(window: FloatArray) -> FloatArray:
    """The median of each series' known values, shape (series,), zero where there is none."""
    ranked = np.sort(window, axis=1)  # NaN sorts last
    last = np.maximum(np.isfinite(window).sum(axis=1, keepdims=True) - 1, 0)
    low, high = (np.take_along_axis(ranked, place, axis=1) for place in (last // 2, (last + 1) // 2))
    return np.nan_to_num((low + high) / 2)[:, 0]
