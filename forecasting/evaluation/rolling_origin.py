"""Rolling origin: every forecaster at every cutoff, in tasks of some series."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forecasting.config import BASELINE
from forecasting.data.panel import Panel
from forecasting.data.regressors import RegressorPanel
from forecasting.errors import UnknownForecaster
from forecasting.evaluation.fit_record import OpenRecord, fingerprint, record_in_memory
from forecasting.evaluation.series_fits import Failure, SeriesFit, SeriesTask, fit_batch
from forecasting.forecasters import DEFAULT_FORECASTERS, FORECASTERS, with_own_regressors
from forecasting.prophet_options import ProphetOptions
from forecasting.tasks import PULSE_SECONDS, KeepsMemoryOrder
from forecasting.types import FloatArray, OnProgress

LARGEST_BATCH = 50
"""Series of a task, at most: a lost worker costs its task."""
FEWEST_BATCHES = 64
"""A panel is divided into so many tasks, if it has as many series, so that workers end at about the same time."""
Rows = list[int]


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
    open_record: OpenRecord = record_in_memory,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> BaseForecasts:
    """Forecast every series at every cutoff (positions in the panel's months) with the forecasters named.

    Without names the default set is used; the baseline is always included. `prophet` are the options of
    prophet_library. `vintage_values` has, by cutoff, the panel's values up to it as known at it, shape (series, cutoff
    + 1); at other cutoffs the panel's are used. With `regressors` every regression runs with them too. Series that the
    opened record has already are not fitted again. Without an executor the work is done in this process, with the same
    result.

    Raises:
        UnknownForecaster: no forecaster has a name.
    """
    names, partners = _names(forecasters, regressors), panel.partners

    def task(row: int) -> SeriesTask:
        return SeriesTask(
            panel.unique_ids[row],
            panel.months[0],
            panel.values[row],
            reporter,
            tuple(cutoffs),
            horizon,
            names,
            _vintages_of(vintage_values, row),
            prophet or ProphetOptions(),
            _regressors_of(regressors, panel, panel.unique_ids[row], cutoffs, horizon),
            partners[row],
        )

    count = len(panel.unique_ids)
    record = open_record(fingerprint(map(task, range(count))), (count, len(names), len(cutoffs), horizon))
    report = partial(_report, on_progress, count)
    if len(record.missing) < count:
        report(count - len(record.missing))
    batches = ((rows, [task(row) for row in rows]) for rows in _batches(record.missing, count))
    for fitted in _fan_out(batches, executor):
        if fitted is not None:
            record.add(*fitted)
        report(count - len(record.missing))
    failures = sorted(record.failures, key=lambda failure: (failure.unique_id, failure.forecaster, failure.cutoff))
    return BaseForecasts(names, np.asarray(cutoffs), record.means, tuple(failures), reporter, record.sensitivities)


def _report(on_progress: OnProgress | None, count: int, done: int) -> None:
    if on_progress:
        on_progress("fit", done, count)


def _batches(rows: Sequence[int], count: int) -> Iterator[Rows]:
    """The rows in batches of a size that depends on the number of series of the panel alone."""
    size = min(max(count // FEWEST_BATCHES, 1), LARGEST_BATCH)
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])


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


def _fan_out(
    batches: Iterator[tuple[Rows, list[SeriesTask]]], executor: Executor | None
) -> Iterator[tuple[Rows, list[SeriesFit]] | None]:
    """Rows and their fits as they are completed, and None every PULSE_SECONDS."""
    if executor is None:
        yield from ((rows, fit_batch(tasks)) for rows, tasks in batches)
        return
    pending = {executor.submit(fit_batch, tasks): rows for rows, tasks in batches}
    try:
        while pending:
            yield from _completed(pending)
    finally:
        for future in pending:
            future.cancel()


def _completed(pending: dict[Future[list[SeriesFit]], Rows]) -> Iterator[tuple[Rows, list[SeriesFit]] | None]:
    """The fits completed within PULSE_SECONDS, then None if others are still pending."""
    try:
        for future in as_completed(pending, timeout=PULSE_SECONDS):
            # A future keeps its result: drop the reference.
            yield pending.pop(future), future.result()
    except TimeoutError:
        yield None
