"""Scores of folds and forecasters in worker processes: the same bytes, whatever happens to a worker."""

import os
import pickle
import signal
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting import tasks
from forecasting.combination.combined_forecasts import combine_panel
from forecasting.config import COMBINATION, ForecastConfig
from forecasting.evaluation import backtest
from forecasting.evaluation.backtest import evaluate_folds
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.evaluation.scoring_tasks import fold_tasks, score_fold
from forecasting.tasks import ordered_results
from jobs.execution.executors import process_pool
from tests.support.panels import grid_panel

CONFIG = ForecastConfig(horizon=12, folds=6, burn_in=14, forecasters=("naive", "seasonal_naive", "seasonal_mean"))
FOLDS = range(14, 20)


@pytest.fixture(scope="module")
def pool():
    panel = grid_panel(84)
    return combine_panel(
        panel,
        forecast_at_cutoffs(panel, cutoffs=range(60, 81), horizon=12, reporter="CHN", forecasters=CONFIG.forecasters),
    )


@pytest.fixture(scope="module")
def here(pool):
    return evaluate_folds(pool, FOLDS, config=CONFIG, keep_all=True)


def assert_same_bytes(found, expected):
    assert found.scores.equals(expected.scores)
    for name, quantiles in expected.quantiles.items():
        assert found.quantiles[name].tobytes() == quantiles.tobytes()
    for kept, other in zip(found.periods, expected.periods, strict=True):
        assert (kept.kind, kept.cutoff, kept.step) == (other.kind, other.cutoff, other.step)
        assert kept.quantiles.tobytes() == other.quantiles.tobytes()
        assert_array_equal(kept.mean, other.mean)
        assert_array_equal(kept.actual, other.actual)
    assert found.conditional_coverage == expected.conditional_coverage


@pytest.mark.parametrize(("workers", "at_once"), [(1, 8), (2, 2)])
def test_scores_do_not_depend_on_workers_or_on_tasks_at_once(pool, here, monkeypatch, workers, at_once):
    monkeypatch.setattr(backtest, "FEWEST_SERIES", 0)
    monkeypatch.setattr(backtest, "FEWEST_AT_ONCE", at_once)
    monkeypatch.setattr(backtest, "BYTES_AT_ONCE", 0)
    with process_pool(workers) as executor:
        there = evaluate_folds(pool, FOLDS, config=CONFIG, keep_all=True, executor=executor)
    assert_same_bytes(there, here)


class Killing(Executor):
    """An executor that kills the worker of its first task once."""

    def __init__(self, executor, marker):
        self.executor, self.marker, self.sent = executor, marker, 0

    def submit(self, fn, /, *args, **kwargs):
        self.sent += 1
        return self.executor.submit(partial(kill_once, self.marker) if self.sent == 1 else fn, *args, **kwargs)


def kill_once(marker, task):
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return score_fold(task)


def test_a_worker_that_dies_costs_its_fold(pool, here, monkeypatch, tmp_path):
    monkeypatch.setattr(backtest, "FEWEST_SERIES", 0)
    marker = tmp_path / "killed"
    with process_pool(2) as executor:
        there = evaluate_folds(pool, FOLDS, config=CONFIG, keep_all=True, executor=Killing(executor, str(marker)))
    assert marker.exists()
    assert_same_bytes(there, here)


def test_a_small_panel_is_scored_in_this_process(pool, here):
    # A plain executor refuses every task.
    assert_same_bytes(evaluate_folds(pool, FOLDS, config=CONFIG, keep_all=True, executor=Executor()), here)


def test_a_task_has_the_past_of_its_fold_only(pool):
    task = next(fold_tasks(pool, [15], CONFIG))
    assert task.pool.centre.shape[1] == len(task.pool.base.cutoffs) == 16
    assert task.pool.base.names == ("seasonal_naive",)
    received = pickle.loads(pickle.dumps(task))
    for name in ("centre", "actual", "forecast_scale"):
        sent, got = getattr(task.pool, name), getattr(received.pool, name)
        assert_array_equal(got, sent)
        # Sums depend on the order of memory.
        assert np.argsort(got.strides).tolist() == np.argsort(sent.strides).tolist()
    assert_array_equal(score_fold(received).quantiles, score_fold(task).quantiles)


def test_results_are_in_order_and_few_at_once():
    started = []

    def work(task):
        started.append(task)
        time.sleep(0.02 * (task % 3 == 0))
        return task

    with ThreadPoolExecutor(4) as executor:
        results = ordered_results(work, iter(range(20)), executor=executor, at_once=3, on_pulse=lambda: None)
        assert next(results) == 0
        assert len(started) <= 4
        assert list(results) == list(range(1, 20))


def test_progress_is_reported_while_a_result_is_waited_for(monkeypatch):
    monkeypatch.setattr(tasks, "PULSE_SECONDS", 0.02)

    def stop():
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        next(ordered_results(time.sleep, [0.5, 0.5], executor=executor, at_once=2, on_pulse=stop))


def test_every_fold_is_reported(pool):
    reported = []
    evaluate_folds(pool, FOLDS, config=CONFIG, on_progress=lambda *report: reported.append(report))
    assert reported == [("backtest", place, 6) for place in range(1, 7)]


def test_the_combination_has_quantiles_of_every_fold(here):
    assert here.quantiles[COMBINATION].shape == (12, 6, 9, 12)
    assert np.isfinite(here.quantiles[COMBINATION]).all()
