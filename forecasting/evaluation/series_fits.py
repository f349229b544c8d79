"""Fits of one series: every forecaster at every cutoff, each on the past of its cutoff only."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from forecasting.config import BASELINE
from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.history import History
from forecasting.data.moving_holidays import holiday_regressors, moving_holidays
from forecasting.data.regressors import scaled
from forecasting.errors import ForecasterFailed, ForecastingError, NotApplicable, TooFewObservations
from forecasting.forecasters import configured_forecaster, regressor_pairs
from forecasting.forecasters.calendar_choice import with_moving_holidays
from forecasting.prophet_options import ProphetOptions
from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class Failure:
    """A forecaster that failed on a series at a cutoff (a month), with the reason."""

    unique_id: str
    forecaster: str
    cutoff: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeriesTask:
    """One series and the cutoffs at which to forecast it.

    `y` has shape (months,), NaN outside the series' span; `cutoffs` are positions in it. `vintage_values` has, by
    cutoff, the values up to it as known at it, where they differ from `y`. `prophet` are the options of
    prophet_library. `regressors` has, by cutoff, the own regressors as known at it, shape (months + horizon, k), NaN
    where not known. `partner` is that of the trade, empty without one.
    """

    unique_id: str
    start: np.datetime64
    y: FloatArray
    reporter: str
    cutoffs: tuple[int, ...]
    horizon: int
    forecasters: tuple[str, ...]
    vintage_values: Mapping[int, FloatArray] = field(default_factory=dict)
    prophet: ProphetOptions = field(default_factory=ProphetOptions)
    regressors: Mapping[int, FloatArray] = field(default_factory=dict)
    partner: str = ""


@dataclass(frozen=True, slots=True)
class SeriesFit:
    """Mean forecasts of one series, shape (forecasters, cutoffs, horizon); NaN where a forecaster gave none.

    `sensitivity` is the change of the logarithm of the last forecast for one unit of each regressor, shape (pairs, k),
    a row for each pair of `regressor_pairs`, NaN for an unused one; None without regressors.
    """

    unique_id: str
    means: FloatArray
    failures: tuple[Failure, ...]
    sensitivity: FloatArray | None = None


def fit_batch(tasks: Sequence[SeriesTask]) -> list[SeriesFit]:
    """The fits of several series: one task of an executor."""
    return [fit_series(task) for task in tasks]


def fit_series(task: SeriesTask) -> SeriesFit:
    """Every forecaster at every cutoff of one series.

    A forecaster that fails is recorded and replaced by the baseline; one that needs a longer history or does not
    apply gives NaN.
    """
    means = np.full((len(task.forecasters), len(task.cutoffs), task.horizon), np.nan)
    failures = []
    months = task.start + np.arange(len(task.y) + task.horizon)
    calendar = calendar_regressors(months, task.reporter)
    holidays = {name: holiday_regressors(months, name) for name in moving_holidays(task.reporter, task.partner)}
    for fold, cutoff in enumerate(task.cutoffs):
        y = task.vintage_values.get(cutoff, task.y[: cutoff + 1])
        known = np.flatnonzero(np.isfinite(y))
        if not len(known):
            continue
        history, reporting_delay = _history(task, y, calendar, holidays, int(known[0]), int(known[-1]), cutoff)
        for row, name in enumerate(task.forecasters):
            try:
                means[row, fold] = _forecast(name, history, task.prophet)[reporting_delay:]
            except (TooFewObservations, NotApplicable):
                continue
            except ForecasterFailed as error:
                means[row, fold] = _forecast(BASELINE, history, task.prophet)[reporting_delay:]
                failures.append(Failure(task.unique_id, name, str(task.start + cutoff), error.reason))
    return SeriesFit(task.unique_id, means, tuple(failures), _sensitivity(task, calendar, holidays))


def _sensitivity(task: SeriesTask, calendar: FloatArray, holidays: Mapping[str, FloatArray]) -> FloatArray | None:
    """The change of the logarithm of the last forecasts for one more unit of each regressor in the months ahead."""
    cutoff = task.cutoffs[-1]
    y = task.vintage_values.get(cutoff, task.y[: cutoff + 1])
    known = np.flatnonzero(np.isfinite(y))
    if cutoff not in task.regressors or not len(known):
        return None
    history, _ = _history(task, y, calendar, holidays, int(known[0]), int(known[-1]), cutoff)
    used = slice(int(known[0]), int(known[-1]) + 1 + history.horizon)
    _, unit = scaled(task.regressors[cutoff][used], len(history.y))
    pairs = regressor_pairs(task.forecasters)
    return np.array([_response(name, history, unit, task.prophet) for _, name in pairs])


def _response(name: str, history: History, unit: FloatArray, prophet: ProphetOptions) -> FloatArray:
    """As `_sensitivity`, of one forecaster; `unit` is the value of one unit of each scaled column, shape (k,)."""
    found = np.full(len(unit), np.nan)
    try:
        plain = _forecast(name, history, prophet)
        for place, column in enumerate(np.flatnonzero(np.isfinite(unit))):
            assert history.regressors is not None
            changed = history.regressors.copy()
            changed[len(history.y) :, place] += 1.0 / unit[column]
            moved = _forecast(name, replace(history, regressors=changed), prophet)
            if (plain > 0).all() and (moved > 0).all():
                found[column] = float(np.median(np.log(moved / plain)))
    except (TooFewObservations, NotApplicable, ForecasterFailed):
        return np.full(len(unit), np.nan)
    return found


def _history(
    task: SeriesTask,
    y: FloatArray,
    calendar: FloatArray,
    holidays: Mapping[str, FloatArray],
    first: int,
    last: int,
    cutoff: int,
) -> tuple[History, int]:
    """The series as known at the cutoff, and the reporting delay of its last value in months."""
    reporting_delay = cutoff - last
    horizon = task.horizon + reporting_delay
    known, used = y[first : last + 1].copy(), slice(first, last + 1 + horizon)
    own = task.regressors.get(cutoff)
    return History(
        unique_id=task.unique_id,
        start=task.start + first,
        y=known,
        calendar=with_moving_holidays(known, calendar[used], {name: rows[used] for name, rows in holidays.items()}),
        horizon=horizon,
        regressors=None if own is None else scaled(own[used], last + 1 - first)[0],
    ), reporting_delay


def _forecast(name: str, history: History, prophet: ProphetOptions) -> FloatArray:
    """One forecaster's means; any exception of an underlying library becomes ForecasterFailed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return configured_forecaster(name, prophet).forecast(history)
    except ForecastingError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ForecasterFailed(history.unique_id, name, reason) from error
