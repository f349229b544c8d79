"""Array and callback types shared by the package."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

FloatArray = NDArray[np.float64]
RealArray = NDArray[np.float32] | NDArray[np.float64]
MonthArray = NDArray[np.datetime64]

OnProgress = Callable[[str, int, int], None]
"""Progress callback: the name of the stage, the number of items done and the total number."""
NewArray = Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]
"""Gives an array of a shape and a type whose values are not set, such as `numpy.empty`."""
