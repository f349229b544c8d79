"""Additive outliers: single months that a model cannot explain by anything lasting (Chen and Liu 1993)."""

import numpy as np

from forecasting.types import FloatArray

# A history of which more than this share is odd is not a history with outliers.
MOST = 0.05


def additive_outliers(impulses: FloatArray, errors: FloatArray, *, deviations: float) -> FloatArray:
    """Sizes of the outliers in a series of n values, shape (n,), zero where there is none.

    `errors` (m,) are a model's whitened errors and `impulses` (m, n) what an outlier of size one in each month does to
    them. The largest outlier beyond `deviations` robust standard deviations of its own estimate is taken, then the
    next given those taken. A value less its outlier is what the model expects there from the months around it.
    """
    precision = np.sqrt(np.square(impulses).sum(axis=0))
    precision = np.maximum(precision, np.finfo(float).tiny)
    sizes, taken = np.zeros(len(precision)), np.zeros(len(precision), dtype=bool)
    remaining = impulses.T @ errors
    limit = deviations * 1.4826 * float(np.median(np.abs(remaining / precision)))
    if limit == 0.0:  # most months fit exactly: what does not is all the history there is
        return sizes
    for _ in range(int(MOST * len(precision))):
        worst = int(np.argmax(np.where(taken, 0.0, np.abs(remaining) / precision)))
        if taken[worst] or abs(remaining[worst]) <= limit * precision[worst]:
            break
        taken[worst] = True
        chosen = impulses[:, taken]
        sizes[taken] = np.linalg.lstsq(chosen, errors, rcond=None)[0]
        remaining = impulses.T @ (errors - chosen @ sizes[taken])
    return sizes
