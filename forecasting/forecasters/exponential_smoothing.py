"""Exponential smoothing and related methods, from statsforecast, on the adjusted history.

The form of CES is chosen once a quarter, on the history up to its end, and shared by the folds of the next; parameters
are estimated at every cutoff. docs/decisions/0022-forms-once-a-quarter.md has errors and times.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from forecasting.data.history import History
from forecasting.errors import NotApplicable
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.forecasters.preprocessing import Adjusted, adjust_arrays, forecast_adjusted, until_quarter_end
from forecasting.forecasters.scaling import Scale
from forecasting.types import FloatArray


def _models() -> Any:
    """The models of statsforecast, imported on use: that takes seconds, and most commands do not need them."""
    from statsforecast import models

    return models


def _form_of_quarter(forecaster: "CES", history: History, scale: Scale) -> str | None:
    """The form that the forecasts of a quarter share; None if the history up to it is short, constant or unlike."""
    quarter_end = until_quarter_end(history)
    if quarter_end is None:
        return None
    y, calendar = np.ascontiguousarray(quarter_end.y), np.ascontiguousarray(quarter_end.calendar)
    return _form(forecaster, y.tobytes(), calendar.tobytes(), calendar.shape, scale.log)


@lru_cache(maxsize=8)
def _form(forecaster: "CES", y_bytes: bytes, calendar_bytes: bytes, shape: tuple[int, int], log: bool) -> str | None:
    adjusted = adjust_arrays(np.frombuffer(y_bytes), np.frombuffer(calendar_bytes).reshape(shape))
    z = adjusted.adjusted_values
    if np.ptp(z) == 0.0 or adjusted.scale.log != log:
        return None
    try:
        return forecaster.chosen_form(z)
    except Exception:  # numerical libraries raise many exception types on degenerate series
        return None


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
        return forecast_adjusted(self, history, partial(self._forecast, history))

    def chosen_form(self, z: FloatArray) -> str:
        """The best form of the season on adjusted values (n,)."""
        return str(self._model("Z").fit(y=z).model_["seasontype"])

    def _model(self, form: str) -> Any:
        return _models().AutoCES(season_length=self.season_length, model=form)

    def _forecast(self, history: History, adjusted: Adjusted, horizon: int) -> FloatArray:
        z, form = adjusted.adjusted_values, _form_of_quarter(self, history, adjusted.scale)
        return np.asarray(self._model(form or "Z").forecast(y=z, h=horizon)["mean"])


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
