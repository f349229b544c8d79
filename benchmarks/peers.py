"""Peers, the alternatives of a good analyst: prophet and statsforecast as they come, with their own intervals.

`backtest_beside_peers` has their forecasts beside ours, on the same folds in the same run.
"""

import logging
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.panels import Problem
from forecasting.config import LEVELS, PROBABILITIES, ForecastConfig
from forecasting.evaluation.backtest import Backtest
from forecasting.pipeline import evaluate_panel
from jobs.progress import progress_bar

FloatArray = NDArray[np.float64]
SEASON = 12
# Prophet gives intervals by sampling, one width at a time; so many draws of it stand for all of them.
PROPHET_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """One series, its cutoffs (positions) and the peers to run on it."""

    row: int
    start: np.datetime64
    y: FloatArray
    cutoffs: tuple[int, ...]
    horizon: int
    peers: tuple[str, ...]


@dataclass(frozen=True)
class PeerForecasts:
    """Means (series, peers, folds, horizon) and quantiles (series, peers, folds, probabilities, horizon)."""

    names: tuple[str, ...]
    means: FloatArray
    quantiles: FloatArray


def backtest_beside_peers(
    problem: Problem, *, horizon: int, peers: Iterable[str], executor: Executor
) -> tuple[Backtest, PeerForecasts]:
    """Our backtest of a problem, and the peers' forecasts on the same folds."""
    with progress_bar(problem.name) as bar:
        backtest, _ = evaluate_panel(
            problem.panel,
            cutoffs=list(problem.cutoffs),
            config=ForecastConfig(horizon=horizon),
            reporter=problem.reporter,
            vintage_values=problem.vintage_values,
            executor=executor,
            on_progress=bar,
        )
        return backtest, run_peers(problem, horizon=horizon, peers=peers, executor=executor)


def run_peers(problem: Problem, *, horizon: int, peers: Iterable[str], executor: Executor) -> PeerForecasts:
    """Every peer on every series and cutoff of a problem; a forecast that a peer cannot make is NaN."""
    panel, names = problem.panel, tuple(peers)
    cutoffs = tuple(panel.position(cutoff) for cutoff in problem.cutoffs)
    tasks = [Task(row, panel.months[0], y, cutoffs, horizon, names) for row, y in enumerate(panel.values)]
    shape = (len(tasks), len(names), len(cutoffs), len(PROBABILITIES), horizon)
    quantiles, means = np.full(shape, np.nan), np.full((*shape[:3], horizon), np.nan)
    for future in as_completed([executor.submit(_run, task) for task in tasks]):
        row, its_means, its_quantiles = future.result()
        means[row], quantiles[row] = its_means, its_quantiles
    return PeerForecasts(names, means, quantiles)


def _run(task: Task) -> tuple[int, FloatArray, FloatArray]:
    logging.getLogger("cmdstanpy").disabled = True
    warnings.simplefilter("ignore")
    shape = (len(task.peers), len(task.cutoffs), len(PROBABILITIES), task.horizon)
    means, quantiles = np.full((*shape[:2], task.horizon), np.nan), np.full(shape, np.nan)
    for row, name in enumerate(task.peers):
        for fold, cutoff in enumerate(task.cutoffs):
            y = task.y[: cutoff + 1]
            y = y[np.isfinite(y)]
            try:
                means[row, fold], quantiles[row, fold] = PEERS[name](y, task.start + cutoff, task.horizon)
            except Exception as error:
                logging.getLogger(__name__).warning("%s failed: %r", name, error)
    return task.row, means, quantiles


def _statsforecast(
    make: Callable[[], Any], y: FloatArray, _cutoff: np.datetime64, horizon: int
) -> tuple[FloatArray, FloatArray]:
    made = make().forecast(y=y, h=horizon, level=[int(level) for level in LEVELS])
    bounds = {0.5: made["mean"]}
    for level in LEVELS:
        tail = round((100 - level) / 200, 10)
        bounds[tail], bounds[round(1 - tail, 10)] = made[f"lo-{level:g}"], made[f"hi-{level:g}"]
    return made["mean"], np.stack([bounds[probability] for probability in PROBABILITIES])


def _prophet(y: FloatArray, cutoff: np.datetime64, horizon: int) -> tuple[FloatArray, FloatArray]:
    from prophet import Prophet

    np.random.seed(1)  # noqa: NPY002 - prophet draws from numpy's global generator
    ds = pd.DatetimeIndex((cutoff - np.arange(len(y) - 1, -1, -1)).astype("datetime64[ns]"))
    ahead = pd.DatetimeIndex((cutoff + 1 + np.arange(horizon)).astype("datetime64[ns]"))
    model = Prophet(uncertainty_samples=PROPHET_DRAWS).fit(pd.DataFrame({"ds": ds, "y": y}))
    future = pd.DataFrame({"ds": ahead})
    draws = model.predictive_samples(future)["yhat"]
    return model.predict(future)["yhat"].to_numpy(), np.quantile(draws, PROBABILITIES, axis=1)


def _auto_ets() -> Any:
    from statsforecast.models import AutoETS

    return AutoETS(season_length=SEASON)


def _auto_ces() -> Any:
    from statsforecast.models import AutoCES

    return AutoCES(season_length=SEASON)


def _auto_theta() -> Any:
    from statsforecast.models import AutoTheta

    return AutoTheta(season_length=SEASON)


def _auto_arima() -> Any:
    from statsforecast.models import AutoARIMA

    return AutoARIMA(season_length=SEASON, approximation=True)


def _airline() -> Any:
    from statsforecast.models import ARIMA

    return ARIMA(order=(0, 1, 1), season_length=SEASON, seasonal_order=(0, 1, 1))


def _conformal_ets() -> Any:
    from statsforecast.models import AutoETS
    from statsforecast.utils import ConformalIntervals

    # Two windows are all that a horizon of a year leaves of the shortest histories.
    return AutoETS(season_length=SEASON, prediction_intervals=ConformalIntervals(h=SEASON, n_windows=2))


PEERS: dict[str, Callable[[FloatArray, np.datetime64, int], tuple[FloatArray, FloatArray]]] = {
    "Prophet": _prophet,
    "AutoETS": partial(_statsforecast, _auto_ets),
    "AutoTheta": partial(_statsforecast, _auto_theta),
    "AutoCES": partial(_statsforecast, _auto_ces),
    "AutoARIMA": partial(_statsforecast, _auto_arima),
    "ARIMA (0,1,1)(0,1,1)": partial(_statsforecast, _airline),
    "AutoETS, conformal": partial(_statsforecast, _conformal_ets),
}
