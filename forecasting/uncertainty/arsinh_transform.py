"""The arsinh transform on which errors are measured and drawn: logarithmic for large values, linear near zero.

arsinh(y / unit) (Burbidge, Magee & Robb 1988) treats a doubling and a halving alike and is defined at zero and below,
as small markets need.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray

# A tenth of the usual value, so that usual values lie well inside the logarithmic part.
UNIT_SHARE = 0.1
# For a balance four times the usual value, so that usual values lie well inside the linear part: errors around zero do
# not grow with the value. A series becomes one as the share of its negative values (of the positive ones, if less)
# rises from the first to the second of these: single negative corrections leave it as it is.
BALANCE_SHARE, BALANCE = 4.0, (0.05, 0.25)
RECENT = 36
RELATIVE_TOLERANCE = 1e-9


def transform_units(values: FloatArray, cutoffs: NDArray[np.int64]) -> FloatArray:
    """The transform's unit of each series at each cutoff, shape (series, cutoffs), from the last 36 known months.

    The unit of a series with negative months is larger if they are many.
    `values` has shape (series, months); `cutoffs` are positions in the months. For a series without trade in those
    months it is computed from all its months, for one that never traded it is the median of the others. Never zero.
    """
    known = np.isfinite(values)
    size = np.where(known, np.abs(values), 0.0)
    sums, counts = np.cumsum(size, axis=1), np.cumsum(known, axis=1)
    negative = np.cumsum(np.where(known & (values < 0), size, 0.0), axis=1)
    last, before = np.asarray(cutoffs), np.asarray(cutoffs) - RECENT
    since = np.where(before >= 0, 1, 0)
    total, count, below = (part[:, last] - since * part[:, np.maximum(before, 0)] for part in (sums, counts, negative))
    negative_share = np.clip(np.minimum(below, total - below) / np.where(total > 0, total, 1.0), 0.0, 0.5)
    start, end = BALANCE
    balance = np.clip((negative_share - start) / (end - start), 0.0, 1.0)
    share = UNIT_SHARE + (BALANCE_SHARE - UNIT_SHARE) * balance
    unit = share * total / np.maximum(count, 1)
    # Differences of cumulative sums leave rounding residues of months long past.
    unit = np.where(
        total > RELATIVE_TOLERANCE * sums[:, last], unit, UNIT_SHARE * sums[:, last] / np.maximum(counts[:, last], 1)
    )
    for column in unit.T:
        traded = column > 0
        column[~traded] = np.median(column[traded]) if traded.any() else 1.0
    return np.asarray(unit)


def largest_recent(values: FloatArray) -> FloatArray:
    """The largest absolute value of each series (series,) in its last 36 months, or in all where it is zero in those.

    `values` (series, months) are those known at a cutoff.
    """
    size = np.nan_to_num(np.abs(values))
    recent = size[:, -RECENT:].max(axis=1, initial=0.0)
    largest: FloatArray = np.where(recent > 0, recent, size.max(axis=1, initial=0.0))
    return largest


def transform(values: FloatArray, unit: FloatArray) -> FloatArray:
    """Values on the arsinh scale; `unit` is broadcast against them."""
    relative = np.asarray(values / unit)
    return np.arcsinh(relative, out=relative)


def inverse_transform(transformed: FloatArray, unit: FloatArray) -> FloatArray:
    """Values in the units of `y`; the inverse of `transform`."""
    return unit * np.sinh(transformed)
