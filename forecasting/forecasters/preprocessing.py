"""A series made ready for forecasters that know no calendar, and its forecasts brought back.

The effect of the calendar is estimated by a regression with airline errors, subtracted, and added back to the
forecast; outliers of that regression are replaced by what it expects there. Done once a history, whatever the number
of forecasters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from forecasting.data.history import History
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.errors import ForecasterFailed
from forecasting.forecasters.airline import Airline, airline_outliers, fit_airline
from forecasting.forecasters.base import Forecaster, require_finite, require_observations
from forecasting.forecasters.scaling import Scale, scale_of
from forecasting.types import FloatArray

# Two years and a half: with less, the date of the new year cannot be told from the season.
SHORTEST_REGRESSION = 30
# Standard deviation, on the scale of logarithms, that calendar effects are held to have before a series is seen.
EFFECT_PRIOR = 0.15
OUTLIER_DEVIATIONS = 4.0


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A history on its scale, free of calendar effects and outliers.

    `errors` has shape (n,); `future_effect`, shape (horizon,), is to be added to forecasts of it; `airline` is None
    where the history is too short for the regression.
    """

    scale: Scale
    adjusted_values: FloatArray
    future_effect: FloatArray
    airline: Airline | None


def forecast_adjusted(
    forecaster: Forecaster, history: History, method: Callable[[Adjusted, int], FloatArray]
) -> FloatArray:
    """Mean forecasts, shape (horizon,), in the units of `y`: `method` applied to the adjusted history.

    `method` is given the adjusted history and the horizon and returns forecasts of its errors. Raises
    TooFewObservations, and ForecasterFailed for whatever `method` raises.
    """
    require_observations(forecaster, history)
    adjusted = adjust(history)
    if np.ptp(adjusted.adjusted_values) == 0.0:
        method = _repeat_last
    try:
        forecast = method(adjusted, history.horizon)
    except Exception as error:  # a numerical library may raise anything on a degenerate series
        raise ForecasterFailed(history.unique_id, type(forecaster).__name__, repr(error)) from error
    mean = adjusted.scale.back(np.asarray(forecast, dtype=np.float64) + adjusted.future_effect)
    return require_finite(forecaster, history, mean)


def _repeat_last(adjusted: Adjusted, horizon: int) -> FloatArray:
    """Forecasts of errors that have never varied, shape (horizon,): no method has anything to learn from them."""
    return np.full(horizon, adjusted.adjusted_values[-1])


def adjust(history: History) -> Adjusted:
    """The history made ready; see Adjusted."""
    y, calendar = np.ascontiguousarray(history.y), np.ascontiguousarray(history.calendar)
    return _adjust(y.tobytes(), calendar.tobytes(), calendar.shape)


@lru_cache(maxsize=4)
def _adjust(y_bytes: bytes, calendar_bytes: bytes, shape: tuple[int, int]) -> Adjusted:
    y = np.frombuffer(y_bytes)
    calendar = np.frombuffer(calendar_bytes).reshape(shape)
    scale = scale_of(y)
    z, future = scale.to(y), np.zeros(shape[0] - len(y))
    if len(y) < SHORTEST_REGRESSION or np.ptp(z) == 0.0:
        return Adjusted(scale, z, future, None)
    known = calendar[: len(y)]
    try:
        fit = fit_airline(z, known, season_length=MONTHS_PER_YEAR, prior=EFFECT_PRIOR)
        sizes = airline_outliers(fit, z - known @ fit.effects, deviations=OUTLIER_DEVIATIONS)
        if sizes.any():
            fit = fit_airline(z - sizes, known, season_length=MONTHS_PER_YEAR, prior=EFFECT_PRIOR)
    except np.linalg.LinAlgError:
        return Adjusted(scale, z, future, None)
    return Adjusted(scale, z - sizes - known @ fit.effects, calendar[len(y) :] @ fit.effects, fit)
