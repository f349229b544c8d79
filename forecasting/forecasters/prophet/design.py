"""Prophet's design: time axis, changepoints and features, which depend on the months only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.forecasters.prophet.map_fit import MapFit, trend_hinges
from forecasting.types import FloatArray, MonthArray

YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class ProphetDesignInputs:
    """The parts of Prophet's design that depend on the months only and so serve every scale of the values.

    `t`, shape (n + horizon,), is 0 at the first month and 1 at the cutoff; `changepoints` (S,); `features`
    (n + horizon, K): Fourier terms, then calendar regressors; `scales` (K,): standard deviations of their priors.
    """

    t: FloatArray
    changepoints: FloatArray
    features: FloatArray
    scales: FloatArray

    @classmethod
    def of_months(
        cls,
        months: MonthArray,
        n: int,
        *,
        changepoints: int,
        changepoint_range: float,
        features: Sequence[tuple[FloatArray, float]] = (),
    ) -> "ProphetDesignInputs":
        """Time and changepoints of `months` (n + horizon,); `features` are columns and the scale of their priors."""
        days = days_of(months)
        t = (days - days[0]) / (days[n - 1] - days[0])
        columns = np.hstack([np.zeros((len(t), 0)), *(columns for columns, _ in features)])
        scales = np.concatenate([np.zeros(0), *(np.full(columns.shape[1], scale) for columns, scale in features)])
        return cls(t, place_changepoints(t[:n], changepoints, changepoint_range), columns, scales)

    def trend(self, fit: MapFit) -> FloatArray:
        """Prophet's trend on the scaled axis, shape (n + horizon,)."""
        return fit.m + fit.k * self.t + trend_hinges(self.t, self.changepoints) @ fit.delta


def days_of(months: MonthArray) -> FloatArray:
    """The first days of months, in days since 1970."""
    return months.astype("datetime64[D]").astype(np.float64)


def fourier_terms(days: FloatArray, order: int) -> FloatArray:
    """Fourier terms of the year for `days` since 1970, shape (T, 2 order), as `Prophet.fourier_series`."""
    angles = 2.0 * np.pi * days[:, None] * (np.arange(1, order + 1) / YEAR_DAYS)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(days), 2 * order)


def place_changepoints(t: FloatArray, count: int, share: float) -> FloatArray:
    """Changepoints as `Prophet.set_changepoints`: even over the first `share`; one at 0 if there is no room."""
    reach = int(np.floor(len(t) * share))
    count = min(count, reach - 1)
    if count < 1:
        return np.zeros(1)
    indexes = np.linspace(0, reach - 1, count + 1).round().astype(int)[1:]
    return np.asarray(t[indexes])
