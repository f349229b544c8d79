"""The airline model with calendar regressors."""

from dataclasses import dataclass

import numpy as np

from forecasting.data.history import History
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.forecasters.airline import forecast_airline
from forecasting.forecasters.preprocessing import SHORTEST_REGRESSION, Adjusted, forecast_adjusted
from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class ARIMA:
    """ARIMA (0,1,1)(0,1,1) with regressors, by exact likelihood (forecasters/airline.py)."""

    prior_weight: float = 0.5

    @property
    def min_observations(self) -> int:
        """The length that the regression needs."""
        return SHORTEST_REGRESSION

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, _forecast)


def _forecast(adjusted: Adjusted, horizon: int) -> FloatArray:
    if adjusted.airline is None:  # a constant or too short history: repeat its last months
        return np.resize(adjusted.adjusted_values[-MONTHS_PER_YEAR:], horizon)
    return forecast_airline(adjusted.airline, adjusted.adjusted_values, horizon)
