"""Prophet with a rigid trend and an autoregressive memory of its last residuals.

Prophet's own forecasts drift for three reasons, each corrected here. Its rate changes follow every boom to the end of
the sample, and the last rate is extrapolated without limit: here a tighter prior requires evidence, and the last rate
is damped. It treats residuals as noise, so that a forecast starts from the trend and not from the last level: here
their last level is carried forward and decays. Its noise has one size on one scale: here the logarithm or the square
root is selected by recent errors. The rest is Prophet's own: the model, the form of its priors, changepoints, Fourier
terms, scaling and the maximum a posteriori fit. docs/decisions/0003-prophet-map.md has the effect of each change.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.data.history import History
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.forecasters.prophet.design import ProphetDesignInputs, days_of, fourier_terms
from forecasting.forecasters.prophet.map_fit import MapDesign, fit_map, make_design
from forecasting.forecasters.scaling import SMALLEST_SHARE
from forecasting.types import FloatArray

# Values that differ by less than this share of their size differ by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class PowerScale:
    """Values as Prophet's `scaling="minmax"` leaves them, after a power: 0 is the logarithm, 0.5 the square root."""

    power: float
    unit: float
    low: float
    span: float

    @classmethod
    def of(cls, y: FloatArray, power: float) -> "PowerScale":
        """The scale on which `y`, shape (n,), not constant, spans 0 to 1."""
        unit = float(np.abs(y).max())
        raised = _raise(y / unit, power)
        return cls(power, unit, float(raised.min()), float(np.ptp(raised)))

    def to(self, y: FloatArray) -> FloatArray:
        """Values on the scale."""
        return (_raise(y / self.unit, self.power) - self.low) / self.span

    def back(self, z: FloatArray) -> FloatArray:
        """Values in the units of `y`, clipped to one range of the values beyond their minimum and maximum."""
        raised = self.low + self.span * np.clip(z, -1.0, 2.0)
        if self.power == 0.0:
            return np.exp(raised) * self.unit
        return raised * self.unit if self.power == 1.0 else np.maximum(raised, 0.0) ** (1.0 / self.power) * self.unit


@dataclass(frozen=True, slots=True)
class AnchoredProphet:
    """Prophet with a rigid, damped trend, anchored at the level of its last residuals.

    `yearly_order`, `seasonal_prior`, `changepoint_prior`, `n_changepoints` and `changepoint_range` are Prophet's
    arguments; `calendar_prior` is `add_regressor`'s `prior_scale`, for regressors that are not standardized. Season and
    calendar are fitted from `seasonal_from` months on. The level of the residuals is their exponential mean with weight
    `smoothing`; the share `persistence` of it remains after each month ahead. The trend's monthly rise is shrunk by n /
    (n + `slope_doubt`) and the share `damping` of it remains after each month ahead. The scale is the power of `powers`
    (0 is the logarithm, 0.5 the square root) with the smallest mean absolute one-month-ahead error over the last
    `recent` months; a power of 0 needs positive values, and a series with negative values is not transformed.
    """

    yearly_order: int = 6
    seasonal_prior: float = 0.05
    calendar_prior: float = 0.2
    changepoint_prior: float = 0.01
    n_changepoints: int = 25
    changepoint_range: float = 0.8
    smoothing: float = 0.7
    persistence: float = 0.95
    damping: float = 0.9
    slope_doubt: float = 60.0
    recent: int = 36
    seasonal_from: int = 30
    powers: tuple[float, ...] = (0.0, 0.5)
    prior_weight: float = 3.0

    @property
    def min_observations(self) -> int:
        """Three: two for a rate and one for its uncertainty."""
        return 3

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        require_observations(self, history)
        y = np.asarray(history.y, dtype=np.float64)
        if np.ptp(y) <= ROUNDING * np.abs(y).max():
            return np.full(history.horizon, y[-1])
        axes = self.axes(history)
        design = make_design(
            t=axes.t[: len(y)],
            changepoints=axes.changepoints,
            features=axes.features[: len(y)],
            scales=axes.scales,
            tau=self.changepoint_prior,
        )
        candidates = [self._forecast_on(PowerScale.of(y, power), axes, design, y) for power in self._usable_powers(y)]
        return require_finite(self, history, min(candidates, key=lambda candidate: candidate[0])[1])

    def axes(self, history: History) -> ProphetDesignInputs:
        """Prophet's time, changepoints and features for the months of a history and of its horizon."""
        seasonal = len(history.y) >= self.seasonal_from
        yearly = fourier_terms(days_of(history.months), self.yearly_order)
        features = [(yearly, self.seasonal_prior), (history.calendar, self.calendar_prior)]
        return ProphetDesignInputs.of_months(
            history.months,
            len(history.y),
            changepoints=self.n_changepoints,
            changepoint_range=self.changepoint_range,
            features=features if seasonal else (),
        )

    def _forecast_on(
        self, scale: PowerScale, axes: ProphetDesignInputs, design: MapDesign, y: FloatArray
    ) -> tuple[float, FloatArray]:
        """Mean absolute one-month-ahead error over the last months, and the forecast, both in the units of `y`."""
        n, z = len(y), scale.to(y)
        fit = fit_map(design, z)
        trend, seasonal = axes.trend(fit), axes.features @ fit.beta
        residuals = z - trend[:n] - seasonal[:n]
        one_ahead = scale.back((trend + seasonal)[1:n] + self.persistence * residuals[:-1])
        error = float(np.abs(one_ahead - y[1:])[-self.recent :].mean())
        weights = self.smoothing * (1.0 - self.smoothing) ** np.arange(n)[::-1]
        level = float(weights @ residuals / weights.sum())
        ahead = np.arange(1, len(trend) - n + 1)
        rises = np.diff(trend[n - 1 :]) * self.damping**ahead * n / (n + self.slope_doubt)
        return error, scale.back(trend[n - 1] + rises.cumsum() + seasonal[n:] + self.persistence**ahead * level)

    def _usable_powers(self, y: FloatArray) -> tuple[float, ...]:
        if y.min() < 0.0:
            return (1.0,)
        return tuple(power for power in self.powers if power > 0.0 or y.min() > SMALLEST_SHARE * y.max()) or (0.5,)


def _raise(y: FloatArray, power: float) -> FloatArray:
    raised: FloatArray = np.log(y) if power == 0.0 else y**power
    return raised
