"""Array and callback types shared by the package."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
RealArray = NDArray[np.float32] | NDArray[np.float64]
MonthArray = NDArray[np.datetime64]

OnProgress = Callable[[str, int, int], None]
"""Progress callback: the name of the stage, the number of items done and the total number."""
