"""Additive outliers: single months that a model explains by nothing lasting (Chen and Liu 1993)."""

import numpy as np

from forecasting.types import FloatArray

# At most this share of a history is treated as outliers.
LARGEST_SHARE = 0.05
# A run of as many outliers with one sign at the end is the start of a change.
SHORTEST_CHANGE = 2


def additive_outliers(impulses: FloatArray, errors: FloatArray, *, deviations: float) -> FloatArray:
    """Sizes of the outliers in a series of n values, shape (n,), zero where there is none.

    `errors` (m,) are a model's whitened errors and `impulses` (m, n) the effect on them of an outlier of size one in
    each month. The largest outlier beyond `deviations` robust standard deviations of its estimate is selected, then the
    next given those selected. A value less its outlier is the model's expectation from the months around it.
    """
    precision = np.sqrt(np.square(impulses).sum(axis=0))
    precision = np.maximum(precision, np.finfo(float).tiny)
    sizes, selected = np.zeros(len(precision)), np.zeros(len(precision), dtype=bool)
    remaining = impulses.T @ errors
    limit = deviations * 1.4826 * float(np.median(np.abs(remaining / precision)))
    if limit == 0.0:  # most months fit exactly: the remaining ones are the information in the history
        return sizes
    for _ in range(int(LARGEST_SHARE * len(precision))):
        worst = int(np.argmax(np.where(selected, 0.0, np.abs(remaining) / precision)))
        if selected[worst] or abs(remaining[worst]) <= limit * precision[worst]:
            break
        selected[worst] = True
        chosen = impulses[:, selected]
        sizes[selected] = np.linalg.lstsq(chosen, errors, rcond=None)[0]
        remaining = impulses.T @ (errors - chosen @ sizes[selected])
    return _without_last_run(sizes)


def _without_last_run(sizes: FloatArray) -> FloatArray:
    """The sizes (n,) without a run of outliers of one sign that reaches the end, which may be a lasting change."""
    same = (sizes != 0) & (np.sign(sizes) == np.sign(sizes[-1]))
    run = len(sizes) - 1 - int(np.flatnonzero(~same)[-1]) if not same.all() else len(sizes)
    return np.where(np.arange(len(sizes)) >= len(sizes) - run, 0.0, sizes) if run >= SHORTEST_CHANGE else sizes
