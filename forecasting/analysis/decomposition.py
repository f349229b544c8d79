"""A series taken apart as Prophet does: trend, season, calendar, and what is left.

Prophet's model of the logarithm (Taylor and Letham 2018, The American Statistician 72): a piecewise linear trend,
Fourier terms of the year, and the calendar's regressors, at its maximum a posteriori. It describes; what is published
is the combination's. It needs nothing of the package prophet, and takes milliseconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.panel import Panel
from forecasting.forecasters.prophet.design import ProphetDesignInputs, fourier_terms, place_changepoints
from forecasting.forecasters.prophet.map_fit import fit_map, make_design
from forecasting.types import FloatArray, MonthArray

NAMES = ("trend", "season", "calendar", "rest")
SHORTEST = 36
YEARLY_ORDER, CHANGEPOINTS, REACH = 6, 25, 0.8
SEASONAL_PRIOR, CALENDAR_PRIOR, CHANGEPOINT_PRIOR = 0.5, 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Components:
    """What a series is made of, month by month: value = trend x (1 + season) x (1 + calendar) x (1 + rest).

    `months` has shape (n + horizon,), 'datetime64[M]'; `trend` is in the units of `y`; `season` and `calendar` are
    shares of what they multiply; `rest`, shape (n,), is known where values are.
    """

    months: MonthArray
    trend: FloatArray
    season: FloatArray
    calendar: FloatArray
    rest: FloatArray


def decompose(y: FloatArray, months: MonthArray, calendar: FloatArray) -> Components:
    """Components of positive values `y`, shape (n,), n at least SHORTEST, and of the months after them.

    `months` (n + horizon,) and `calendar` (n + horizon, k) are those of the values and of the months ahead.
    """
    n, logs = len(y), np.log(y)
    low, span = logs.min(), max(float(np.ptp(logs)), 1e-9)
    days = months.astype("datetime64[D]").astype(np.float64)
    yearly = fourier_terms(days, YEARLY_ORDER)
    t = (days - days[0]) / (days[n - 1] - days[0])
    scales = np.repeat([SEASONAL_PRIOR, CALENDAR_PRIOR], [yearly.shape[1], calendar.shape[1]])
    axes = ProphetDesignInputs(t, place_changepoints(t[:n], CHANGEPOINTS, REACH), np.hstack([yearly, calendar]), scales)
    design = make_design(
        t=t[:n], changepoints=axes.changepoints, features=axes.features[:n], scales=scales, tau=CHANGEPOINT_PRIOR
    )
    fit = fit_map(design, (logs - low) / span)
    season = yearly @ fit.beta[: yearly.shape[1]] * span
    holidays = calendar @ fit.beta[yearly.shape[1] :] * span
    trend = axes.trend(fit) * span + low
    rest = logs - (trend + season + holidays)[:n]
    return Components(months, np.exp(trend), np.expm1(season), np.expm1(holidays), np.expm1(rest))


def decompose_panel(panel: Panel, *, horizon: int, reporter: str) -> NDArray[np.float32]:
    """Every series' NAMES over the panel's months and the `horizon` after them, shape (series, names, months).

    NaN before a series' last run of positive values, and throughout where that is shorter than SHORTEST. As float32:
    ten thousand series of thirty years take 60 MB.
    """
    months = panel.months[0] + np.arange(len(panel.months) + horizon)
    calendar = calendar_regressors(months, reporter)
    found = np.full((len(panel.unique_ids), len(NAMES), len(months)), np.nan, dtype=np.float32)
    for row, values in enumerate(panel.values):
        first, last = _last_stretch(values)
        if last - first < SHORTEST:
            continue
        parts = decompose(values[first:last], months[first:], calendar[first:])
        for place, name in enumerate(NAMES):
            part = getattr(parts, name)
            found[row, place, first : first + len(part)] = part
    return found


def _last_stretch(values: FloatArray) -> tuple[int, int]:
    """Where the last run of positive values begins, and the place after its end."""
    known = np.flatnonzero(np.isfinite(values))
    last = int(known[-1]) + 1 if len(known) else 0
    # A logarithm needs more than zero.
    broken = np.flatnonzero(~(values[:last] > 0))
    return int(broken[-1]) + 1 if len(broken) else 0, last
