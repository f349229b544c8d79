"""Forecasters without parameters to fit: the last value, the last year, the mean of the last years."""

from dataclasses import dataclass

import numpy as np

from forecasting.data.history import History
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class Naive:
    """The last value, for every step."""

    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """One."""
        return 1

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations."""
        require_observations(self, history)
        return np.full(history.horizon, history.y[-1], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """The value of the same month a year ago: the baseline. With less than a year, the last values in turn."""

    season_length: int = 12
    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """One: the baseline replaces every forecaster that fails, so it accepts any history."""
        return 1

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations."""
        require_observations(self, history)
        return np.resize(history.y[-self.season_length :], history.horizon).astype(np.float64)


@dataclass(frozen=True, slots=True)
class SeasonalMean:
    """The mean of the same month over the last years, for series with many zeros and no trend."""

    season_length: int = 12
    years: int = 3
    prior_weight: float = 0.5

    @property
    def min_observations(self) -> int:
        """One season."""
        return self.season_length

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        require_observations(self, history)
        seasons = min(self.years, len(history.y) // self.season_length)
        recent = history.y[-seasons * self.season_length :].reshape(seasons, self.season_length)
        return require_finite(self, history, np.resize(recent.mean(axis=0), history.horizon))
