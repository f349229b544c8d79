"""The scale on which errors are measured and drawn: logarithmic for large values, linear near zero.

arsinh(y / unit) (Burbidge, Magee & Robb 1988) treats a doubling and a halving alike, as trade moves, and is defined at
zero and below, as small markets need.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.history import FloatArray

# A tenth of the usual value: everything that matters is then well inside the logarithmic part.
UNIT_SHARE = 0.1
RECENT = 36


def units(values: FloatArray, cutoffs: NDArray[np.int64]) -> FloatArray:
    """The link's unit of each series at each cutoff, shape (series, cutoffs), from the last 36 months known then.

    `values` has shape (series, months); `cutoffs` are positions in the months. Never zero.
    """
    known = np.isfinite(values)
    sums = np.cumsum(np.where(known, np.abs(values), 0.0), axis=1)
    counts = np.cumsum(known, axis=1)
    late, early = np.asarray(cutoffs), np.asarray(cutoffs) - RECENT
    since = np.where(early >= 0, 1, 0)
    total = sums[:, late] - since * sums[:, np.maximum(early, 0)]
    count = counts[:, late] - since * counts[:, np.maximum(early, 0)]
    unit = UNIT_SHARE * total / np.maximum(count, 1)
    return np.where(unit > 0, unit, 1.0)


def to_link(values: FloatArray, unit: FloatArray) -> FloatArray:
    """Values on the link's scale; `unit` is broadcast against them."""
    return np.arcsinh(values / unit)


def from_link(linked: FloatArray, unit: FloatArray) -> FloatArray:
    """Values in the units of `y`; the inverse of `to_link`."""
    return unit * np.sinh(linked)
