import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import BrokenExecutor

import pytest
from distributed import Client
from pydantic import ValidationError

from forecasting import code_version
from forecasting.config import ForecastConfig
from forecasting.evaluation import backtest
from forecasting.pipeline import forecast_panel
from jobs.execution import dask_cluster as cluster
from jobs.execution.dask_cluster import ClusterAway, OtherCode, dask_cluster
from jobs.execution.executors import process_pool
from settings import Settings
from tests.support.panels import grid_panel

CONFIG = ForecastConfig(
    horizon=6, folds=3, burn_in=2, every=3, draws=100, forecasters=("seasonal_naive", "theta", "ets", "prophet")
)


def start(module, *arguments):
    # No nanny: a killed worker stays dead, and another worker must do its part.
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def machines():
    """The address of a scheduler process on loopback, and its two worker processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = "tcp://{}:{}".format(*probe.getsockname())
    scheduler = start("dask_scheduler", "--host", address)
    started = [start("dask_worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, started
    finally:
        for process in (*started, scheduler):
            process.kill()
            process.wait()


def forecast(executor, *, on_progress=None):
    return forecast_panel(grid_panel(60), config=CONFIG, reporter="CHN", executor=executor, on_progress=on_progress)


def test_a_worker_killed_half_way_leaves_the_bytes_of_a_process_pool(machines, monkeypatch):
    # The panel is small; its folds are scored by the workers all the same.
    monkeypatch.setattr(backtest, "FEWEST_SERIES", 0)
    address, workers = machines
    lost = []

    def kill_one_half_way(stage, done, total):
        if stage == "fit" and done == total // 2:
            os.kill(workers[0].pid, signal.SIGKILL)
            lost.append(done)

    with process_pool(2) as pool:
        here = forecast(pool)
    with dask_cluster(address) as executor:
        there = forecast(executor, on_progress=kill_one_half_way)
    assert lost == [6]
    assert workers[0].wait(timeout=10) == -signal.SIGKILL
    assert there.paths.tobytes() == here.paths.tobytes()
    assert there.base.tobytes() == here.base.tobytes()
    assert there.backtest.scores.equals(here.backtest.scores)
    assert there.failures == here.failures


def test_workers_with_other_code_are_refused(machines):
    address, _ = machines

    def install_another_release():
        setattr(code_version, "code_version", lambda: "0.0.1+other")  # noqa: B010 - it is a cached function to mypy

    with Client(address, set_as_default=False) as client:
        (first, *_) = client.scheduler_info()["workers"]
        client.run(install_another_release, workers=[first])
    with pytest.raises(OtherCode) as caught, dask_cluster(address):
        pass
    assert caught.value.workers == [first]


def test_a_cluster_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.2)
    with pytest.raises(ClusterAway, match=r"tcp://127\.0\.0\.1:9") as caught, dask_cluster("tcp://127.0.0.1:9"):
        pass
    # Errors that a run tries once more, and the command line reports in one line.
    assert isinstance(caught.value, BrokenExecutor)


def test_dask_needs_an_address(monkeypatch):
    monkeypatch.setenv("TRADEWIND_EXECUTOR", "dask")
    with pytest.raises(ValidationError, match="address"):
        Settings()
    monkeypatch.setenv("TRADEWIND_DASK_ADDRESS", "tcp://127.0.0.1:8786")
    assert Settings().dask_address == "tcp://127.0.0.1:8786"
