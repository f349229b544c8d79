"""The scale a series is forecast on: logarithms where every value allows it, else the values in units of their mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Values this small beside the largest are zeros in all but name: a logarithm would make outliers of them.
SMALLEST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """`log` or a positive unit; `lo` and `hi` bound what is forecast, on the scale."""

    log: bool
    unit: float
    lo: float
    hi: float

    def to(self, y: FloatArray) -> FloatArray:
        """Values on the scale."""
        return np.log(y / self.unit) if self.log else y / self.unit

    def back(self, z: FloatArray) -> FloatArray:
        """Values in the units of `y`, held inside the bounds."""
        bounded = np.clip(z, self.lo, self.hi)
        return np.exp(bounded) * self.unit if self.log else bounded * self.unit


def scale_of(y: FloatArray) -> Scale:
    """The scale for values `y`, shape (n,).

    A forecast stays within one range of the values beyond their least and greatest; a series without a negative value
    never gets a negative forecast.
    """
    size = float(np.max(np.abs(y), initial=0.0))
    if size == 0.0:
        return Scale(log=False, unit=1.0, lo=0.0, hi=0.0)
    log = bool(np.min(y) > SMALLEST_SHARE * size)
    z = np.log(y / size) if log else y / size
    lo, hi = float(np.min(z)), float(np.max(z))
    margin = hi - lo
    floor = lo - margin if log or lo < 0.0 else max(lo - margin, 0.0)
    return Scale(log=log, unit=size, lo=floor, hi=hi + margin)
