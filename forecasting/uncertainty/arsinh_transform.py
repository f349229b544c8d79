"""The scale on which errors are measured and drawn: logarithmic for large values, linear near zero.

arsinh(y / unit) (Burbidge, Magee & Robb 1988) treats a doubling and a halving alike, as trade moves, and is defined at
zero and below, as small markets need.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray

# A tenth of the usual value: everything that matters is then well inside the logarithmic part.
UNIT_SHARE = 0.1
RECENT = 36
RELATIVE_TOLERANCE = 1e-9


def transform_units(values: FloatArray, cutoffs: NDArray[np.int64]) -> FloatArray:
    """The link's unit of each series at each cutoff, shape (series, cutoffs), from the last 36 months known then.

    `values` has shape (series, months); `cutoffs` are positions in the months. Of a series idle for so long it is from
    all its months, of one that never traded the others' median. Never zero.
    """
    known = np.isfinite(values)
    sums = np.cumsum(np.where(known, np.abs(values), 0.0), axis=1)
    counts = np.cumsum(known, axis=1)
    late, early = np.asarray(cutoffs), np.asarray(cutoffs) - RECENT
    since = np.where(early >= 0, 1, 0)
    total = sums[:, late] - since * sums[:, np.maximum(early, 0)]
    count = counts[:, late] - since * counts[:, np.maximum(early, 0)]
    unit = UNIT_SHARE * total / np.maximum(count, 1)
    # Differences of sums leave crumbs of what has long gone.
    unit = np.where(
        total > RELATIVE_TOLERANCE * sums[:, late], unit, UNIT_SHARE * sums[:, late] / np.maximum(counts[:, late], 1)
    )
    for column in unit.T:
        traded = column > 0
        column[~traded] = np.median(column[traded]) if traded.any() else 1.0
    return np.asarray(unit)


def transform(values: FloatArray, unit: FloatArray) -> FloatArray:
    """Values on the link's scale; `unit` is broadcast against them."""
    return np.arcsinh(values / unit)


def inverse_transform(linked: FloatArray, unit: FloatArray) -> FloatArray:
    """Values in the units of `y`; the inverse of `to_link`."""
    return unit * np.sinh(linked)
