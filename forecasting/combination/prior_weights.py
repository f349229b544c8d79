"""Prior weights of forecasters by the length of a series."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecasting.forecasters import FORECASTERS
from forecasting.types import FloatArray

# In the first years of a series, forecasters that average over priors of the season are as accurate as the structural
# ones, and Prophet, which has no season before 30 months, is not.
SHORT_MONTHS = 60
SHORT_WEIGHTS = {"prophet": 1.0, "prophet_regressors": 1.0, "ets": 3.0, "ces": 3.0}


def prior_weights(names: Sequence[str], months: NDArray[np.int64]) -> FloatArray:
    """Prior weights, shape (..., forecasters), of series with so many known `months`, of any shape (...)."""
    usual = np.array([FORECASTERS[name].prior_weight for name in names])
    short = np.array([SHORT_WEIGHTS.get(name, weight) for name, weight in zip(names, usual.tolist(), strict=True)])
    weights: FloatArray = np.where(np.asarray(months)[..., None] < SHORT_MONTHS, short, usual)
    return weights
