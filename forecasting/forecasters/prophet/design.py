"""Prophet's axes: what it makes of the months, not of the values."""

from dataclasses import dataclass

import numpy as np

from forecasting.forecasters.prophet.map_fit import MapFit, trend_hinges
from forecasting.types import FloatArray

YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class ProphetDesignInputs:
    """What Prophet makes of the months, not of the values: the same for every scale.

    `t`, shape (n + horizon,), is 0 at the first month and 1 at the cutoff; `changepoints` (S,); `features`
    (n + horizon, K): Fourier terms, then calendar regressors; `scales` (K,): standard deviations of their priors.
    """

    t: FloatArray
    changepoints: FloatArray
    features: FloatArray
    scales: FloatArray

    def trend(self, fit: MapFit) -> FloatArray:
        """Prophet's trend on the scaled axis, shape (n + horizon,)."""
        return fit.m + fit.k * self.t + trend_hinges(self.t, self.changepoints) @ fit.delta


def fourier_terms(days: FloatArray, order: int) -> FloatArray:
    """Prophet.fourier_series of a year for `days` since 1970, shape (T,), without its frames; shape (T, 2 order)."""
    angles = 2.0 * np.pi * days[:, None] * (np.arange(1, order + 1) / YEAR_DAYS)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(days), 2 * order)


def place_changepoints(t: FloatArray, count: int, share: float) -> FloatArray:
    """Prophet.set_changepoints: evenly over the first `share` of the history; one at 0 where there is no room."""
    reach = int(np.floor(len(t) * share))
    count = min(count, reach - 1)
    if count < 1:
        return np.zeros(1)
    indexes = np.linspace(0, reach - 1, count + 1).round().astype(int)[1:]
    return np.asarray(t[indexes])
