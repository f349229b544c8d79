"""The forecaster protocol and the checks of histories and results that forecasters share."""

from typing import Protocol, runtime_checkable

import numpy as np

from forecasting.data.history import History
from forecasting.errors import ForecasterFailed, TooFewObservations
from forecasting.types import FloatArray


@runtime_checkable
class Forecaster(Protocol):
    """A method with its hyperparameters: frozen, stateless, picklable."""

    @property
    def prior_weight(self) -> float:
        """Weight in the combination before any error is known; the usual one is 1."""
        ...

    @property
    def min_observations(self) -> int:
        """Length of the shortest history the forecaster accepts."""
        ...

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        ...


def require_observations(forecaster: Forecaster, history: History) -> None:
    """Raise TooFewObservations if the history is shorter than the forecaster needs."""
    have, need = len(history.y), forecaster.min_observations
    if have < need:
        raise TooFewObservations(history.unique_id, have=have, need=need)


def require_finite(forecaster: Forecaster, history: History, mean: FloatArray) -> FloatArray:
    """`mean`, shape (horizon,); raises ForecasterFailed if it has another shape or a value that is not finite."""
    if mean.shape != (history.horizon,) or not np.isfinite(mean).all():
        raise ForecasterFailed(history.unique_id, type(forecaster).__name__, "the forecast is not finite")
    return mean
