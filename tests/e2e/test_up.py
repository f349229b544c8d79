"""`tradewind up` as a new user meets it: one command to published forecasts, Ctrl-C, and again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.hubverse import PUBLISHED, check_tasks, published_schema
from tests.support.hubverse_rules import config_faults, submission_faults
from tests.support.panels import long_frame, trade_series

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = {"TRADEWIND_FORECASTERS": "naive,seasonal_naive", "TRADEWIND_FOLDS": "2", "TRADEWIND_WORKERS": "1"}
BUNDLED = ("CN_CLEANTECH", "CN_COMMODITIES", "CN_PARTNERS", "CN_TRADE")


class Service:
    """A running `tradewind up` and its output so far."""

    def __init__(self, process, log):
        self.process, self.printed, self.log = process, [], log
        self.answering = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.printed.append(line)
            if "Ctrl-C" in line:
                self.answering.set()

    @property
    def logged(self):
        """The events of the log so far."""
        lines = Path(self.log.name).read_text().splitlines()
        return {json.loads(line)["event"] for line in lines if line.startswith("{")}

    @property
    def address(self):
        wait_until(lambda: self.answering.is_set() or self.process.poll() is not None, 300)
        assert self.answering.is_set(), "".join(self.printed) + Path(self.log.name).read_text()
        return re.findall(r"http://\S+", "".join(self.printed))[0]

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.load(answer)

    def wait_for_full_runs(self):
        """Wait until every bundled dataset has a run that is not preliminary."""
        wait_until(lambda: {run["dataset"] for run in self.full_runs()} == set(BUNDLED), 900)

    def full_runs(self):
        return [run for run in self.get("/v1/runs?status=published")["runs"] if not run["preliminary"]]

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.reader.join(10)
        return code


@contextmanager
def up(data_dir, *arguments, **environment):
    # The tests themselves may run under nohup.
    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--port", "0", "--data-dir", str(data_dir), *arguments],
            env={**os.environ, **QUICK, **environment},
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        signal.signal(signal.SIGHUP, inherited)
        try:
            yield Service(process, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def processes_of(word):
    """Command lines of living processes with this in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if os.fsencode(word) in words:
            found.append(words)
    return found


def wait_until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def check_that_every_run_is_a_submission_to_a_hub(service):
    for run in service.full_runs():
        files = f"/v1/runs/{run['id']}/hubverse"
        tasks = service.get(f"{files}/tasks.json?samples=5")
        check_tasks(tasks)
        if PUBLISHED in os.environ:
            check_tasks(tasks, published_schema())
        assert config_faults(tasks) == []
        csv = f"{service.address}{files}/model-output?samples=5&format=csv"
        rows = pd.read_csv(csv, dtype={"output_type_id": str, "location": str})
        assert set(rows["output_type"]) == {"mean", "median", "quantile", "sample"}
        assert submission_faults(f"{run['as_of']}-tradewind-combination.csv", rows, tasks) == []


@pytest.fixture
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("up")


def test_from_nothing_to_published_forecasts_and_again_without_a_refit(data_dir):
    with up(data_dir) as service:
        assert f"Tradewind answers at {service.address}\n" == service.printed[0]
        service.wait_for_full_runs()
        assert service.get("/ready") == {"ready": True, "missing": []}
        printed = "".join(service.printed)
        assert all(f"{dataset}: preliminary run " in printed for dataset in BUNDLED)
        total = service.get("/v1/runs")["total"]
        assert total == 2 * len(BUNDLED)
        for dataset, count in (("CN_TRADE", 2), ("CN_CLEANTECH", 136)):
            csv = f"{service.address}/v1/datasets/{dataset}/forecasts?level=80&level=95&format=csv&limit=500"
            table = pd.read_csv(csv)
            assert table["unique_id"].nunique() == count
            assert (table.groupby(["unique_id", "level"]).size() == 24).all()
            wide = table.pivot(index=["unique_id", "step"], columns="level", values=["lo", "hi"])
            assert (wide["lo"][95] <= wide["lo"][80]).all()
            assert (wide["lo"][80] <= wide["hi"][80]).all()
            assert (wide["hi"][80] <= wide["hi"][95]).all()
        backtest = service.get("/v1/datasets/CN_TRADE/backtests?flow=X")
        assert backtest["folds"]["number"] == 2
        check_that_every_run_is_a_submission_to_a_hub(service)
        assert service.stop() == 0
        assert service.printed[-1] == "Stopped.\n"
    assert processes_of(data_dir) == []

    with up(data_dir) as service:
        children = f"--ends-with\0{service.process.pid}\0"
        assert service.get("/ready")["ready"]
        assert service.get("/v1/runs")["total"] == total
        assert service.printed[-1].startswith("Press Ctrl-C")
        assert len(processes_of(children)) == 2
        assert service.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not processes_of(children))

    with up(data_dir) as service:
        assert service.get("/v1/runs")["total"] == total
        assert service.stop(signal.SIGHUP) == 0
    assert processes_of(data_dir) == []


def test_a_service_on_a_workbook_serves_its_forecasts_and_says_what_ended(tmp_path):
    # The database server may not run as root, and has to reach its directory.
    tmp_path.chmod(0o711)
    months = pd.date_range("2019-01", periods=72, freq="MS").strftime("%Y-%m")
    values = {"DEU.EV": 100.0 + np.arange(72) % 12, "USA.EV": 50.0 + np.arange(72) % 7}
    rows = [("Exports of our own, USD m", None, None), (None, None, None), ("unique_id", "ds", "y")]
    for uid, y in values.items():
        until = 48 if uid == "USA.EV" else 72
        rows += [(uid, month, value) for month, value in zip(months[:until], y[:until].tolist(), strict=True)]
    file = tmp_path / "panel.xlsx"
    pd.DataFrame(rows).to_excel(file, index=False, header=False)
    named = ("--file", str(file), "--dataset", "MINE", "--reporter", "Viet Nam", "--unit", "USD m")
    with up(tmp_path / "data", *named, TRADEWIND_LOG_LEVEL="INFO") as service:
        assert [dataset["id"] for dataset in service.get("/v1/datasets")["datasets"]] == ["MINE"]
        wait_until(service.full_runs, 300)
        series = service.get("/v1/datasets/MINE/forecasts?sector=EV&partner=DEU,USA")["series"]
        found = {row["partner"]: (row["unit"], len(row["months"]), row["status"]) for row in series}
        assert found == {"DEU": ("USD m", 24, None), "USA": ("USD m", 24, "ended since 2022-12")}
        assert {"run.started", "run.published"} <= service.logged
        assert service.stop(signal.SIGTERM) == 0
    assert processes_of(tmp_path) == []


def test_an_address_that_is_taken_is_one_line_before_any_work(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "cli", "up", "--port", port, "--data-dir", str(tmp_path)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"tradewind: cannot listen on 127.0.0.1:{port}")
    assert list(tmp_path.iterdir()) == []


def test_stopped_in_the_middle_of_a_run_it_leaves_none_half_published(tmp_path):
    """Ctrl-C while fitting; the next start completes."""
    tmp_path.chmod(0o711)
    file = tmp_path / "panel.csv"
    series = {f"series {number}": trade_series(96, seed=number) for number in range(16)}
    long_frame(series).to_csv(file, index=False)
    named = ("--file", str(file), "--dataset", "MINE", "--unit", "USD m")
    # Minutes of fits in one process.
    slow = {"TRADEWIND_FORECASTERS": "ets,theta", "TRADEWIND_FOLDS": "36"}
    with up(tmp_path / "data", *named, **slow) as service:
        wait_until(lambda: service.get("/v1/runs?status=running")["total"], 120)
        assert service.stop() == 0
    assert processes_of(tmp_path) == []
    with up(tmp_path / "data", *named) as service:
        wait_until(service.full_runs, 300)
        runs = service.get("/v1/runs")["runs"]
        assert {run["status"] for run in runs} == {"published", "failed"}
        # Without TRADEWIND_LOG_LEVEL, warnings and errors are logged.
        assert not {"run.started", "run.published"} & service.logged
        assert service.stop() == 0
