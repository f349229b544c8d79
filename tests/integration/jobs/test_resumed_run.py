"""A run whose process is killed in the middle of the fits is resumed by the next one."""

import multiprocessing
import os
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from forecasting.evaluation import rolling_origin
from forecasting.evaluation.series_fits import fit_batch
from jobs.execution.executors import process_pool
from jobs.runs.forecast_run import run_forecast
from store.database import make_engine
from store.queries import forecasts, observations, run_status, runs
from tests.conftest import database_copy, new_database
from tests.support.scheduler_world import QUICK, TODAY, TickingClock, here

SERIES, KILLED_AFTER = 12, 5


def two_workers():
    return process_pool(2)


def run(engine, fits, *, config=QUICK, make_executor=here, on_progress=None):
    return run_forecast(
        dataset="SMALL",
        as_of=TODAY,
        config=config,
        engine=engine,
        make_executor=make_executor,
        clock=TickingClock(),
        fits=fits,
        on_progress=on_progress,
    )


def run_until_killed(url, fits, make_executor):
    """A run that ends its own process in the middle of the fits, as the kernel does when memory is short."""

    def kill(stage, done, _total):
        if stage == "fit" and done == KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)

    run(make_engine(url), fits, make_executor=make_executor, on_progress=kill)


@pytest.fixture(scope="module", params=[here, two_workers])
def original(request, server_url, small_template, tmp_path_factory):
    """The URL of a database and a folder of fits, after a run that was killed."""
    url, folder = new_database(server_url, "killed", template=small_template), tmp_path_factory.mktemp("fits")
    process = multiprocessing.get_context("spawn").Process(target=run_until_killed, args=(url, folder, request.param))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    engine = make_engine(url)
    await_lock(engine)
    engine.dispose()
    return url, folder


@pytest.fixture
def killed(original, server_url, tmp_path):
    """An engine and a folder of fits of a test's own, after a run that was killed."""
    url, folder = original
    fits = shutil.copytree(folder, tmp_path / "fits")
    with database_copy(server_url, "killed_copy", str(sa.make_url(url).database)) as copy:
        engine = make_engine(copy)
        yield engine, fits
        engine.dispose()


def await_lock(engine):
    """The server releases the lock of a killed process as soon as it notices its end."""
    for _ in range(100):
        with run_status.try_lock(engine, "SMALL") as acquired:
            if acquired:
                return
        time.sleep(0.1)
    raise TimeoutError


@pytest.fixture
def fitted(monkeypatch):
    """The names of the series that are fitted in this process from now on."""
    names: list[str] = []

    def noted(tasks):
        names.extend(task.unique_id for task in tasks)
        return fit_batch(tasks)

    monkeypatch.setattr(rolling_origin, "fit_batch", noted)
    return names


def results(engine, run_id):
    """Paths, and all folds, of a run."""
    with Session(engine) as session:
        paths = forecasts.paths(session, run_id, list(observations.series_ids(session, "SMALL").values()))
        folds = session.execute(
            sa.text("SELECT * FROM backtest_forecast WHERE run_id = :run"), {"run": run_id}
        ).mappings()
        kept = sorted(str({name: value for name, value in fold.items() if name != "run_id"}) for fold in folds)
    return np.asarray(paths).tobytes(), kept


def test_a_run_resumes_what_a_killed_one_has_fitted(killed, fitted):
    engine, folder = killed
    reported = []
    resumed = run(engine, folder, on_progress=lambda *progress: reported.append(progress))
    assert resumed.status == "published"
    assert reported[0] == ("fit", KILLED_AFTER, SERIES)
    assert len(set(fitted)) == len(fitted) == SERIES - KILLED_AFTER
    assert not list(folder.glob("SMALL/*/")), "fits are removed after publication"
    with engine.connect() as connection:
        ended = connection.execute(sa.text("SELECT status FROM run ORDER BY id")).scalars().all()
    assert ended == ["failed", "published"]

    found = results(engine, resumed.run_id)
    with Session(engine) as session:
        session.execute(sa.text("DELETE FROM run"))
        session.commit()
    undisturbed = run(engine, None)
    assert len(fitted) == 2 * SERIES - KILLED_AFTER
    assert found == results(engine, undisturbed.run_id)


def test_other_forecasters_and_other_data_share_no_fits(killed, fitted):
    engine, folder = killed
    changed = replace(QUICK, forecasters=("naive", "seasonal_naive"))
    assert run(engine, folder, config=changed).status == "published"
    assert len(fitted) == SERIES


def test_a_revised_figure_changes_every_fit(killed, fitted):
    engine, folder = killed
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE observation SET value = value * 1.5 WHERE month = (SELECT min(month) FROM observation)")
        )
    outcome = run(engine, folder)
    assert len(fitted) == SERIES
    with Session(engine) as session:
        assert runs.find(session, outcome.run_id).status == "published"
