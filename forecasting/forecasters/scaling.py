"""The scale of a series in forecasters: logarithms where its values allow it, else values relative to their size."""

from dataclasses import dataclass

import numpy as np

from forecasting.types import FloatArray

# Values below this share of the largest are practically zeros: their logarithms would be outliers.
SMALLEST_SHARE = 1e-6
RECENT = 36


@dataclass(frozen=True, slots=True)
class Scale:
    """log(y / unit + shift), or y / unit where `log` is False; `lo` and `hi` bound forecasts on the scale."""

    log: bool
    unit: float
    lo: float
    hi: float
    shift: float = 0.0

    def to(self, y: FloatArray) -> FloatArray:
        """Values on the scale."""
        return np.log(y / self.unit + self.shift) if self.log else y / self.unit

    def back(self, z: FloatArray) -> FloatArray:
        """Values in the units of `y`, clipped to the bounds."""
        bounded = np.clip(z, self.lo, self.hi)
        values = np.exp(bounded) - self.shift if self.log else bounded
        return np.maximum(values, 0.0) * self.unit if self.log else values * self.unit


def scale_of(y: FloatArray, *, shift: float = 0.0, allow_log: bool = True) -> Scale:
    """Choose the scale for values `y`, shape (n,).

    `shift`, a share of the recent size, makes the logarithm of zeros finite and keeps small values from looking like
    collapses. A forecast stays within one range of the values beyond their minimum and maximum; a series without
    negative values never gets a negative forecast. Without `allow_log` the scale is linear.
    """
    size = float(np.max(np.abs(y), initial=0.0))
    if size == 0.0:
        return Scale(log=False, unit=1.0, lo=0.0, hi=0.0)
    unit = max(float(np.mean(np.abs(y[-RECENT:] / size))), SMALLEST_SHARE) * size if shift else size
    log = allow_log and bool(np.min(y) >= 0.0 if shift else np.min(y) > SMALLEST_SHARE * size)
    z = np.log(y / unit + shift) if log else y / unit
    lo, hi = float(np.min(z)), float(np.max(z))
    margin = hi - lo
    floor = lo - margin if log or lo < 0.0 else max(lo - margin, 0.0)
    return Scale(log=log, unit=unit, lo=floor, hi=hi + margin, shift=shift if log else 0.0)
