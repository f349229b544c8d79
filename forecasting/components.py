"""A series taken apart as Prophet does: trend, season, calendar, and what is left.

Prophet's model of the logarithm (Taylor and Letham 2018, The American Statistician 72): a piecewise linear trend,
Fourier terms of the year, and the calendar's regressors, at its maximum a posteriori. It describes; what is published
is the combination's. It needs nothing of the package prophet, and takes milliseconds.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.history import FloatArray
from forecasting.prophet_axes import ProphetAxes, fourier_terms, place_changepoints
from forecasting.prophet_map import fit_map, make_design

SHORTEST = 36
YEARLY_ORDER, CHANGEPOINTS, REACH = 6, 25, 0.8
SEASONAL_PRIOR, CALENDAR_PRIOR, CHANGEPOINT_PRIOR = 0.5, 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Components:
    """What a series is made of, month by month: value = trend x (1 + season) x (1 + calendar) x (1 + rest).

    `months` has shape (n + horizon,), 'datetime64[M]'; `trend` is in the units of `y`; `season` and `calendar` are
    shares of what they multiply; `rest`, shape (n,), is known where values are.
    """

    months: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    trend: FloatArray
    season: FloatArray
    calendar: FloatArray
    rest: FloatArray


def take_apart(
    y: FloatArray, months: np.ndarray[tuple[int], np.dtype[np.datetime64]], calendar: FloatArray
) -> Components:
    """Components of positive values `y`, shape (n,), n at least SHORTEST, and of the months after them.

    `months` (n + horizon,) and `calendar` (n + horizon, k) are those of the values and of the months ahead.
    """
    n, logs = len(y), np.log(y)
    low, span = logs.min(), max(float(np.ptp(logs)), 1e-9)
    days = months.astype("datetime64[D]").astype(np.float64)
    yearly = fourier_terms(days, YEARLY_ORDER)
    t = (days - days[0]) / (days[n - 1] - days[0])
    scales = np.repeat([SEASONAL_PRIOR, CALENDAR_PRIOR], [yearly.shape[1], calendar.shape[1]])
    axes = ProphetAxes(t, place_changepoints(t[:n], CHANGEPOINTS, REACH), np.hstack([yearly, calendar]), scales)
    design = make_design(
        t=t[:n], changepoints=axes.changepoints, features=axes.features[:n], scales=scales, tau=CHANGEPOINT_PRIOR
    )
    fit = fit_map(design, (logs - low) / span)
    season = yearly @ fit.beta[: yearly.shape[1]] * span
    holidays = calendar @ fit.beta[yearly.shape[1] :] * span
    trend = axes.trend(fit) * span + low
    rest = logs - (trend + season + holidays)[:n]
    return Components(months, np.exp(trend), np.expm1(season), np.expm1(holidays), np.expm1(rest))
