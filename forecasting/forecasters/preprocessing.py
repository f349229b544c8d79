"""Calendar and outlier adjustment for forecasters that have no calendar of their own.

The calendar effect is estimated by a regression with airline errors, subtracted, and added back to the forecast;
outliers of that regression are replaced by its expectation. The result is cached, so that several forecasters share
one adjustment of a history.
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

# Two and a half years: with less, the effect of the holiday's date cannot be separated from the season.
SHORTEST_REGRESSION = 30
# Prior standard deviation of calendar effects on the logarithmic scale.
EFFECT_PRIOR = 0.15
OUTLIER_DEVIATIONS = 4.0
# Months before the last twenty years are not used: the time of a fit grows with the square of their number.
LONGEST = 20 * MONTHS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A history on its scale, without calendar effects and outliers.

    `adjusted_values` has shape (n,), the last LONGEST months at most; `future_effect`, shape (horizon,), is added to
    forecasts of it; `airline` is None where the history is too short for the regression.
    """

    scale: Scale
    adjusted_values: FloatArray
    future_effect: FloatArray
    airline: Airline | None


def forecast_adjusted(
    forecaster: Forecaster, history: History, method: Callable[[Adjusted, int], FloatArray]
) -> FloatArray:
    """Mean forecasts, shape (horizon,), in the units of `y`: `method` applied to the adjusted history.

    `method` takes the adjusted history and the horizon and returns forecasts of its adjusted values.

    Raises:
        TooFewObservations: the history is too short.
        ForecasterFailed: `method` raised, or its forecast is not finite.
    """
    require_observations(forecaster, history)
    adjusted = adjust(history)
    if np.ptp(adjusted.adjusted_values) == 0.0:
        method = _repeat_last
    try:
        forecast = method(adjusted, history.horizon)
    except Exception as error:  # numerical libraries raise many exception types on degenerate series
        raise ForecasterFailed(history.unique_id, type(forecaster).__name__, repr(error)) from error
    mean = adjusted.scale.back(np.asarray(forecast, dtype=np.float64) + adjusted.future_effect)
    return require_finite(forecaster, history, mean)


def _repeat_last(adjusted: Adjusted, horizon: int) -> FloatArray:
    """Constant forecasts of adjusted values that never varied, shape (horizon,)."""
    return np.full(horizon, adjusted.adjusted_values[-1])


def adjust(history: History) -> Adjusted:
    """The adjusted history; see Adjusted."""
    first = max(len(history.y) - LONGEST, 0)
    y, calendar = np.ascontiguousarray(history.y[first:]), np.ascontiguousarray(history.calendar[first:])
    return _adjust(y.tobytes(), calendar.tobytes(), calendar.shape)


@lru_cache(maxsize=8)
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
            fit = fit_airline(z - sizes, known, season_length=MONTHS_PER_YEAR, prior=EFFECT_PRIOR, start=fit.theta)
    except np.linalg.LinAlgError:
        return Adjusted(scale, z, future, None)
    return Adjusted(scale, z - sizes - known @ fit.effects, calendar[len(y) :] @ fit.effects, fit)
