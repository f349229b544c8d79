"""A regression with the own regressors of a dataset beside the calendar."""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.data.history import History
from forecasting.errors import NotApplicable
from forecasting.forecasters.base import Forecaster
from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class WithRegressors:
    """`forecaster` with the regressors of the history as further calendar regressors; only where there are any."""

    forecaster: Forecaster

    @property
    def prior_weight(self) -> float:
        """That of the forecaster."""
        return self.forecaster.prior_weight

    @property
    def min_observations(self) -> int:
        """That of the forecaster."""
        return self.forecaster.min_observations

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises NotApplicable without regressors."""
        if history.regressors is None or not history.regressors.shape[1]:
            raise NotApplicable(history.unique_id, type(self).__name__, "there are no own regressors")
        calendar = np.hstack([history.calendar, history.regressors])
        return self.forecaster.forecast(replace(history, calendar=calendar, regressors=None))
