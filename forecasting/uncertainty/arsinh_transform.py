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
# not grow with the value. A series becomes one as the share of its values of the rarer sign, apart from the largest,
# rises to the second of these: a single negative correction leaves it as it is.
BALANCE_SHARE, BALANCE = 4.0, 0.02
RECENT = 36


def transform_units(values: FloatArray, cutoffs: NDArray[np.int64]) -> FloatArray:
    """The transform's unit of each series at each cutoff, shape (series, cutoffs), from the last 36 known months.

    The unit of a series of both signs is larger. `values` has shape (series, months); `cutoffs` are positions in the
    months. For a series without trade in those months it is computed from all its months, for one that never traded it
    is the median of the others. Never zero.
    """
    found = np.empty((len(values), len(cutoffs)))
    for place, cutoff in enumerate(cutoffs.tolist()):
        recent = values[:, max(cutoff + 1 - RECENT, 0) : cutoff + 1]
        unit = _share(recent) * _usual(recent)
        idle = unit == 0
        unit[idle] = UNIT_SHARE * _usual(values[idle, : cutoff + 1])
        traded = unit > 0
        unit[~traded] = np.median(unit[traded]) if traded.any() else 1.0
        found[:, place] = unit
    return found


def _usual(values: FloatArray) -> FloatArray:
    """The mean absolute value of each series (series,), zero where none is known."""
    usual: FloatArray = np.nansum(np.abs(values), axis=1) / np.maximum(np.isfinite(values).sum(axis=1), 1)
    return usual


def _share(values: FloatArray) -> FloatArray:
    """The unit in usual values of each series (series,), larger where both signs are usual."""
    above, below = np.fmax(values, 0.0), np.fmax(-values, 0.0)
    rarer = np.minimum(*(np.nansum(part, axis=1) - np.nanmax(part, axis=1, initial=0.0) for part in (above, below)))
    total = np.nansum(np.abs(values), axis=1)
    share = np.divide(rarer, total, out=np.zeros_like(total), where=total > 0)
    unit: FloatArray = UNIT_SHARE + (BALANCE_SHARE - UNIT_SHARE) * np.clip(share / BALANCE, 0.0, 1.0)
    return unit


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
