"""Choice of moving holidays: a likelihood-ratio test per series, in a regression with airline errors.

As the tests of trading days and Easter in X-13ARIMA-SEATS, but with fixed moving-average coefficients, so that a choice
takes a millisecond at every cutoff.
"""

from collections.abc import Mapping

import numpy as np
from numpy.linalg import LinAlgError
from scipy.special import chdtri

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.forecasters.airline import START, deviance
from forecasting.forecasters.scaling import scale_of
from forecasting.types import FloatArray

# Five years: a festival is compared with the same months of other years.
SHORTEST_TEST = 60
LONGEST_TEST = 240
SIGNIFICANCE = 0.05


def with_moving_holidays(y: FloatArray, calendar: FloatArray, holidays: Mapping[str, FloatArray]) -> FloatArray:
    """`calendar` (n + horizon, k) with the columns of those `holidays` that move the values `y` (n,).

    `holidays` has the regressors of each, shape (n + horizon, windows). They are tested in turn, each given those
    chosen before.
    """
    first = max(len(y) - LONGEST_TEST, 0)
    if not holidays or len(y) < SHORTEST_TEST or np.ptp(y) == 0.0:
        return calendar
    z = scale_of(y[first:]).to(y[first:])
    try:
        best = _deviance(z, calendar[first:])
        for columns in holidays.values():
            wider = np.hstack([calendar, columns])
            tried = _deviance(z, wider[first:])
            if best - tried > chdtri(columns.shape[1], SIGNIFICANCE):
                calendar, best = wider, tried
    except LinAlgError:
        return calendar
    return calendar


def _deviance(z: FloatArray, calendar: FloatArray) -> float:
    return deviance(START, z, calendar[: len(z)], season_length=MONTHS_PER_YEAR)
