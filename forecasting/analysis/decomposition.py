"""Decomposition of published series by Prophet's model: trend, season, calendar, and the remainder.

Prophet's model of the logarithm (Taylor and Letham 2018, The American Statistician 72): a piecewise linear trend,
Fourier terms of the year, and the calendar regressors, at the maximum a posteriori. It describes the past and is
independent of the published forecasts, which are the combination's. The result is the library's with OPTIONS, computed
here, because the library takes twenty times as long (docs/decisions/0104-decomposition-in-process.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.moving_holidays import holiday_regressors, moving_holidays
from forecasting.data.panel import Panel
from forecasting.forecasters.calendar_choice import with_moving_holidays
from forecasting.forecasters.prophet.design import ProphetDesignInputs, days_of, fourier_terms
from forecasting.forecasters.prophet.map_fit import fit_map, make_design
from forecasting.prophet_options import ProphetOptions
from forecasting.types import FloatArray, MonthArray

NAMES = ("trend", "season", "calendar", "rest")
SHORTEST = 36
OPTIONS = ProphetOptions(seasonality_prior_scale=0.5, regressor_prior_scale=0.5, changepoint_prior_scale=0.05)
# Series a task: a few milliseconds each.
TASK_SERIES = 32


@dataclass(frozen=True, slots=True)
class Components:
    """The components of a series: value = trend x (1 + season) x (1 + calendar) x (1 + rest).

    `months` has shape (n + horizon,), 'datetime64[M]'; `trend` is in the units of `y`; `season` and `calendar` are
    shares; `rest`, shape (n,), is the remainder where values are known.
    """

    months: MonthArray
    trend: FloatArray
    season: FloatArray
    calendar: FloatArray
    rest: FloatArray


def decompose(y: FloatArray, months: MonthArray, calendar: FloatArray) -> Components:
    """Components of positive values `y`, shape (n,), n at least SHORTEST, and of the months after them.

    `months` (n + horizon,) and `calendar` (n + horizon, k) cover the values and the months ahead.
    """
    n, logs = len(y), np.log(y)
    low, span = float(logs.min()), float(np.ptp(logs)) or 1.0
    yearly = fourier_terms(days_of(months), OPTIONS.yearly_seasonality)
    inputs = ProphetDesignInputs.of_months(
        months,
        n,
        changepoints=OPTIONS.n_changepoints,
        changepoint_range=OPTIONS.changepoint_range,
        features=[(yearly, OPTIONS.seasonality_prior_scale), (calendar, OPTIONS.regressor_prior_scale)],
    )
    design = make_design(
        t=inputs.t[:n],
        changepoints=inputs.changepoints,
        features=inputs.features[:n],
        scales=inputs.scales,
        tau=OPTIONS.changepoint_prior_scale,
    )
    fit = fit_map(design, (logs - low) / span)
    trend = low + span * inputs.trend(fit)
    season = span * yearly @ fit.beta[: yearly.shape[1]]
    effect = span * calendar @ fit.beta[yearly.shape[1] :]
    rest = logs - (trend + season + effect)[:n]
    return Components(months, np.exp(trend), np.expm1(season), np.expm1(effect), np.expm1(rest))


@dataclass(frozen=True, slots=True)
class DecompositionTask:
    """Series to decompose: `values` (series, months); `months` and `calendar` extend to the end of the horizon.

    `holidays` has the regressors of moving holidays, and `festivals` the names of those that may move each series.
    """

    values: FloatArray
    months: MonthArray
    calendar: FloatArray
    holidays: Mapping[str, FloatArray]
    festivals: tuple[tuple[str, ...], ...]


def decompose_panel(
    panel: Panel, *, horizon: int, reporter: str, executor: Executor | None = None
) -> NDArray[np.float32]:
    """The NAMES of every series over the panel's months and the `horizon` after them, shape (series, names, months).

    NaN before a series' last run of positive values, and throughout where that is shorter than SHORTEST. As float32:
    ten thousand series of thirty years take 60 MB. With an executor the result is the same.
    """
    months = panel.months[0] + np.arange(len(panel.months) + horizon)
    calendar = calendar_regressors(months, reporter)
    festivals = tuple(moving_holidays(reporter, partner) for partner in panel.partners)
    holidays = {name: holiday_regressors(months, name) for name in sorted(set(chain.from_iterable(festivals)))}
    blocks = [slice(first, first + TASK_SERIES) for first in range(0, len(panel.unique_ids), TASK_SERIES)]
    tasks = [DecompositionTask(panel.values[rows], months, calendar, holidays, festivals[rows]) for rows in blocks]
    return np.concatenate(list(_results(tasks, executor)))


def decompose_rows(task: DecompositionTask) -> NDArray[np.float32]:
    """The components of a task's series, shape (series, names, months)."""
    found = np.full((len(task.values), len(NAMES), len(task.months)), np.nan, dtype=np.float32)
    for row, values in enumerate(task.values):
        first, last = _last_stretch(values)
        if last - first < SHORTEST:
            continue
        holidays = {name: task.holidays[name][first:] for name in task.festivals[row]}
        calendar = with_moving_holidays(values[first:last], task.calendar[first:], holidays)
        parts = decompose(values[first:last], task.months[first:], calendar)
        for place, name in enumerate(NAMES):
            part = getattr(parts, name)
            found[row, place, first : first + len(part)] = part
    return found


def _results(tasks: Sequence[DecompositionTask], executor: Executor | None) -> Iterator[NDArray[np.float32]]:
    if executor is None:
        return map(decompose_rows, tasks)
    return (future.result() for future in [executor.submit(decompose_rows, task) for task in tasks])


def _last_stretch(values: FloatArray) -> tuple[int, int]:
    """Start and end of the last run of positive values."""
    known = np.flatnonzero(np.isfinite(values))
    last = int(known[-1]) + 1 if len(known) else 0
    # Logarithms need positive values.
    broken = np.flatnonzero(~(values[:last] > 0))
    return int(broken[-1]) + 1 if len(broken) else 0, last
