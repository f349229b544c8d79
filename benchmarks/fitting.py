"""The whole run beside stock prophet and statsforecast called series by series, and where its time goes."""

import cProfile
import io
import logging
import pstats
import re
import resource
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from benchmarks.panels import Problem
from benchmarks.peers import PEERS
from forecasting.config import ForecastConfig
from forecasting.evaluation.series_fits import SeriesTask, fit_series
from jobs.execution.executors import ExecutorFactory
from jobs.ingestion.ingest import ingest_bundled
from jobs.runs.forecast_run import run_forecast

CONFIG = ForecastConfig(folds=24)
STOCK = ("Prophet", "AutoETS", "AutoTheta", "AutoCES", "AutoARIMA")
AS_OF = date(2026, 11, 1)


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of processor, children's among them once they have ended."""

    wall: float
    processor: float


def spent(work: Callable[[], Any]) -> Spent:
    """Processor time and memory of a piece of work."""
    wall, before = time.perf_counter(), _processor()
    work()
    return Spent(time.perf_counter() - wall, _processor() - before)


def _processor() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def whole_run(engine: Engine, make_executor: ExecutorFactory, *, config: ForecastConfig = CONFIG) -> tuple[Spent, str]:
    """A run of CN_CLEANTECH from the panel's rows to publication, and a profile of the process that makes it."""
    with Session(engine) as session:
        ingest_bundled(session, today=AS_OF)
        session.commit()
    profile = cProfile.Profile()

    def work() -> None:
        profile.enable()
        run_forecast(
            dataset="CN_CLEANTECH",
            as_of=AS_OF,
            config=config,
            engine=engine,
            make_executor=make_executor,
            clock=lambda: datetime.now(UTC),
        )
        profile.disable()

    return spent(work), _where_time_goes(profile)


def _where_time_goes(profile: cProfile.Profile, *, ours: str = r"/(forecasting|jobs|store)/") -> str:
    """Our functions by cumulative time, with files' names alone."""
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("cumulative").print_stats(ours, 40)
    return re.sub(r"/\S*/((?:forecasting|jobs|store)/)", r"\1", text.getvalue()).strip()


def peers_a_fold(problem: Problem, *, series: int, cutoffs: Iterable[int], horizon: int) -> dict[str, Spent]:
    """Cost of each stock peer for one series and fold, intervals included: the mean over a sample, one by one."""
    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    rows = np.linspace(0, len(problem.panel.unique_ids) - 1, series).astype(int)
    chosen = [(problem.panel.values[row], cutoff) for row in rows for cutoff in cutoffs]
    start = problem.panel.months[0]

    def all_of(name: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for values, cutoff in chosen:
                y = values[: cutoff + 1]
                try:
                    PEERS[name](y[np.isfinite(y)], start + cutoff, horizon)
                except Exception as error:
                    # As in a script that goes on to the next series: its time counts, its forecast is missing.
                    logging.getLogger(__name__).warning("%s failed: %r", name, error)

    def once(name: str) -> None:
        values, cutoff = chosen[0]
        PEERS[name](values[: cutoff + 1][np.isfinite(values[: cutoff + 1])], start + cutoff, horizon)

    for name in STOCK:
        # Libraries are loaded and compiled before the clock starts.
        once(name)
    spent_by_name = {name: spent(lambda name=name: all_of(name)) for name in STOCK}  # type: ignore[misc]
    return {
        name: Spent(total.wall / len(chosen), total.processor / len(chosen)) for name, total in spent_by_name.items()
    }


def ours_a_fold(problem: Problem, forecasters: tuple[str, ...], *, series: int, cutoffs: Iterable[int]) -> Spent:
    """What our forecasters named take for one series and fold: the mean over the same sample, in this process."""
    panel, places = problem.panel, tuple(cutoffs)
    rows = np.linspace(0, len(panel.unique_ids) - 1, series).astype(int)
    tasks = [
        SeriesTask(panel.unique_ids[row], panel.months[0], panel.values[row], problem.reporter, places, 24, forecasters)
        for row in rows
    ]
    fit_series(tasks[0])
    taken = spent(lambda: [fit_series(task) for task in tasks])
    count = len(tasks) * len(places)
    return Spent(taken.wall / count, taken.processor / count)


def fit_rate(panel_tasks: list[SeriesTask], make_executor: Callable[[], AbstractContextManager[Any]]) -> float:
    """Series fitted a second by an executor, once its workers have begun."""
    with make_executor() as executor:
        warm = [executor.submit(fit_series, task) for task in panel_tasks[:8]]
        for future in warm:
            future.result()
        began = time.perf_counter()
        for future in [executor.submit(fit_series, task) for task in panel_tasks]:
            future.result()
        return len(panel_tasks) / (time.perf_counter() - began)
