"""Exponential smoothing and related methods, from statsforecast, on the adjusted history."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.data.history import History
from forecasting.errors import NotApplicable
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.forecasters.preprocessing import Adjusted, forecast_adjusted
from forecasting.types import FloatArray


def _models() -> Any:
    """The models of statsforecast, imported on use: that takes seconds, and most commands do not need them."""
    from statsforecast import models

    return models


@dataclass(frozen=True, slots=True)
class ETS:
    """Additive errors, damped trend, additive season (Hyndman et al. 2008); no season for less than two years."""

    season_length: int = 12
    prior_weight: float = 0.5

    @property
    def min_observations(self) -> int:
        """Enough for a level, a trend and their smoothing parameters."""
        return 12

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, self._forecast)

    def _forecast(self, adjusted: Adjusted, horizon: int) -> FloatArray:
        z = adjusted.adjusted_values
        seasonal = len(z) >= 2 * self.season_length + 5
        model, season = ("AAA", self.season_length) if seasonal else ("AAN", 1)
        return np.asarray(
            _models().AutoETS(season_length=season, model=model, damped=True).forecast(y=z, h=horizon)["mean"]
        )


@dataclass(frozen=True, slots=True)
class Theta:
    """The best of four theta methods (Assimakopoulos and Nikolopoulos 2000; Fiorucci et al. 2016)."""

    season_length: int = 12
    prior_weight: float = 0.5

    @property
    def min_observations(self) -> int:
        """Enough for a trend line."""
        return 5

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, self._forecast)

    def _forecast(self, adjusted: Adjusted, horizon: int) -> FloatArray:
        z = adjusted.adjusted_values
        season = self.season_length if len(z) >= 2 * self.season_length else 1
        model = _models().AutoTheta(season_length=season, decomposition_type="additive")
        return np.asarray(model.forecast(y=z, h=horizon)["mean"])


@dataclass(frozen=True, slots=True)
class CES:
    """Complex exponential smoothing (Svetunkov, Kourentzes and Ord 2022)."""

    season_length: int = 12
    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """Two seasons and a few months, from which the initial states are estimated."""
        return 2 * self.season_length + 3

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, self._forecast)

    def _forecast(self, adjusted: Adjusted, horizon: int) -> FloatArray:
        z = adjusted.adjusted_values
        return np.asarray(_models().AutoCES(season_length=self.season_length).forecast(y=z, h=horizon)["mean"])


@dataclass(frozen=True, slots=True)
class TSB:
    """Teunter, Syntetos and Babai (2011): intermittent demand that may end, for series with many zeros."""

    demand_smoothing: float = 0.2
    probability_smoothing: float = 0.2
    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """One."""
        return 1

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`.

        Raises:
            TooFewObservations, ForecasterFailed: as every forecaster; NotApplicable: a value is negative.
        """
        require_observations(self, history)
        if (history.y < 0).any():
            raise NotApplicable(history.unique_id, type(self).__name__, "demand is not negative")
        if not history.y.any():
            return np.zeros(history.horizon)
        model = _models().TSB(alpha_d=self.demand_smoothing, alpha_p=self.probability_smoothing)
        mean = model.forecast(y=np.asarray(history.y, dtype=np.float64), h=history.horizon)["mean"]
        return require_finite(self, history, np.asarray(mean))
