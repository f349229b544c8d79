"""The input of a forecaster: one series up to its cutoff."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class History:
    """One series as known at its cutoff.

    `y` has shape (n,), finite, in the dataset's unit; `start` is the month of `y[0]` (`datetime64[M]`).
    `calendar` has shape (n + horizon, k): the calendar regressors of the months from `start` to the last step, which
    are known in advance; k is 0 where no calendar applies. `regressors`, alike, are the dataset's own.
    """

    unique_id: str
    start: np.datetime64
    y: FloatArray
    calendar: FloatArray
    horizon: int
    regressors: FloatArray | None = None

    @property
    def months(self) -> NDArray[np.datetime64]:
        """The months of `calendar`'s rows, shape (n + horizon,), `datetime64[M]`."""
        return self.start + np.arange(len(self.y) + self.horizon).astype("timedelta64[M]")
