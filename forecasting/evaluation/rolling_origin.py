"""Rolling origin: every forecaster at every cutoff, one series a task, each fitted on the past of its cutoff only."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.config import BASELINE
from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.history import History
from forecasting.data.moving_holidays import holiday_regressors, moving_holidays
from forecasting.data.panel import Panel
from forecasting.data.regressors import RegressorPanel, scaled
from forecasting.errors import ForecasterFailed, ForecastingError, NotApplicable, TooFewObservations, UnknownForecaster
from forecasting.forecasters import (
    DEFAULT_FORECASTERS,
    FORECASTERS,
    configured_forecaster,
    regressor_pairs,
    with_own_regressors,
)
from forecasting.forecasters.calendar_choice import with_moving_holidays
from forecasting.prophet_options import ProphetOptions
from forecasting.tasks import PULSE_SECONDS, KeepsMemoryOrder
from forecasting.types import FloatArray, OnProgress


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
    where not known.
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


@dataclass(frozen=True)
class BaseForecasts(KeepsMemoryOrder):
    """The forecasts of every forecaster for every series at every cutoff, before combination.

    `means` has shape (series, forecasters, cutoffs, horizon); `cutoffs` are positions in the panel's months;
    `sensitivities` has by unique_id that of the series with regressors.
    """

    names: tuple[str, ...]
    cutoffs: NDArray[np.int64]
    means: FloatArray
    failures: tuple[Failure, ...]
    reporter: str = ""
    sensitivities: Mapping[str, FloatArray] = field(default_factory=dict)


def forecast_at_cutoffs(
    panel: Panel,
    *,
    cutoffs: Sequence[int],
    horizon: int,
    reporter: str,
    forecasters: Sequence[str] = (),
    prophet: ProphetOptions | None = None,
    vintage_values: Mapping[int, FloatArray] | None = None,
    regressors: RegressorPanel | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> BaseForecasts:
    """Forecast every series at every cutoff (positions in the panel's months) with the forecasters named.

    Without names the default set is used; the baseline is always included. `prophet` are the options of
    prophet_library. `vintage_values` has, by cutoff, the panel's values up to it as known at it, shape (series, cutoff
    + 1); at other cutoffs the panel's are used. With `regressors` every regression runs with them too. Without an
    executor the work is done in this process, with the same result.

    Raises:
        UnknownForecaster: no forecaster has a name.
    """
    names = _names(forecasters, regressors)
    tasks = [
        SeriesTask(
            uid,
            panel.months[0],
            panel.values[row],
            reporter,
            tuple(cutoffs),
            horizon,
            names,
            _vintages_of(vintage_values, row),
            prophet or ProphetOptions(),
            _regressors_of(regressors, panel, uid, cutoffs, horizon),
        )
        for row, uid in enumerate(panel.unique_ids)
    ]
    fits = _reported(_fan_out(tasks, executor), len(tasks), on_progress)
    return _gather(fits, panel, names, cutoffs, horizon, reporter)


def _gather(
    fits: Iterable[SeriesFit],
    panel: Panel,
    names: tuple[str, ...],
    cutoffs: Sequence[int],
    horizon: int,
    reporter: str,
) -> BaseForecasts:
    """The fits of all series of a panel, in its order; they come in any."""
    means = np.full((len(panel.unique_ids), len(names), len(cutoffs), horizon), np.nan)
    place = {uid: row for row, uid in enumerate(panel.unique_ids)}
    failures, sensitivities = list[Failure](), dict[str, FloatArray]()
    for fit in fits:
        means[place[fit.unique_id]] = fit.means
        failures.extend(fit.failures)
        if fit.sensitivity is not None:
            sensitivities[fit.unique_id] = fit.sensitivity
    failures.sort(key=lambda failure: (failure.unique_id, failure.forecaster, failure.cutoff))
    return BaseForecasts(names, np.asarray(cutoffs), means, tuple(failures), reporter, sensitivities)


def _reported(fits: Iterable[SeriesFit | None], count: int, on_progress: OnProgress | None) -> Iterator[SeriesFit]:
    """The fits; progress is reported at each, and whenever None is received for want of one."""
    done = 0
    for fit in fits:
        done += fit is not None
        if on_progress:
            on_progress("fit", done, count)
        if fit is not None:
            yield fit


def fit_series(task: SeriesTask) -> SeriesFit:
    """Every forecaster at every cutoff of one series.

    A forecaster that fails is recorded and replaced by the baseline; one that needs a longer history or does not
    apply gives NaN.
    """
    means = np.full((len(task.forecasters), len(task.cutoffs), task.horizon), np.nan)
    failures = []
    months = task.start + np.arange(len(task.y) + task.horizon)
    calendar = calendar_regressors(months, task.reporter)
    holidays = {name: holiday_regressors(months, name) for name in moving_holidays(task.reporter)}
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


def _names(forecasters: Sequence[str], regressors: RegressorPanel | None) -> tuple[str, ...]:
    """The forecasters named or the default ones, and the baseline; with regressors those that use them too."""
    for name in forecasters:
        if name not in FORECASTERS:
            raise UnknownForecaster(name, tuple(FORECASTERS))
    names = tuple(dict.fromkeys((*forecasters, BASELINE))) if forecasters else DEFAULT_FORECASTERS
    return names if regressors is None else with_own_regressors(names)


def _vintages_of(vintage_values: Mapping[int, FloatArray] | None, row: int) -> dict[int, FloatArray]:
    return {cutoff: values[row] for cutoff, values in (vintage_values or {}).items()}


def _regressors_of(
    regressors: RegressorPanel | None, panel: Panel, unique_id: str, cutoffs: Sequence[int], horizon: int
) -> dict[int, FloatArray]:
    if regressors is None or not regressors.of(unique_id):
        return {}
    months = panel.months[0] + np.arange(len(panel.months) + horizon)
    return {cutoff: regressors.columns(unique_id, months, panel.months[cutoff]) for cutoff in cutoffs}


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


def _fan_out(tasks: Sequence[SeriesTask], executor: Executor | None) -> Iterator[SeriesFit | None]:
    """Fits as they are completed, and None every PULSE_SECONDS."""
    if executor is None:
        yield from map(fit_series, tasks)
        return
    pending = {executor.submit(fit_series, task) for task in tasks}
    try:
        while pending:
            yield from _completed(pending)
    finally:
        for future in pending:
            future.cancel()


def _completed(pending: set[Future[SeriesFit]]) -> Iterator[SeriesFit | None]:
    """The fits completed within PULSE_SECONDS, then None if others are still pending."""
    try:
        for future in as_completed(pending, timeout=PULSE_SECONDS):
            # A future keeps its result: drop the reference.
            pending.discard(future)
            yield future.result()
    except TimeoutError:
        yield None
