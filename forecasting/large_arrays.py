"""Arrays that grow with the number of series, in memory or where the caller of a run wants them."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from forecasting.types import NewArray


def in_memory(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array whose values are not set."""
    return np.empty(shape, dtype)


def empty_like(values: NDArray[Any], new_array: NewArray) -> NDArray[Any]:
    """An array from `new_array` with the shape and the type of `values`, and its axes in the same order of memory.

    Numpy adds numbers in the order of memory: sums over the two are the same to the bit.
    """
    axes = np.argsort(-np.abs(values.strides), kind="stable").tolist()
    return new_array(tuple(values.shape[axis] for axis in axes), values.dtype).transpose(np.argsort(axes).tolist())


def moved(values: NDArray[Any], new_array: NewArray) -> NDArray[Any]:
    """The values in an array from `new_array`, as `empty_like` gives it."""
    if new_array is in_memory:
        return values
    copy = empty_like(values, new_array)
    copy[...] = values
    return copy
