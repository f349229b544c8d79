"""First answers: a preliminary run of few folds is published first, and the full run replaces it."""

import multiprocessing
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from sqlmodel import Session

from forecasting.config import FIRST_FOLDS, ForecastConfig
from jobs.execution.executors import process_pool
from jobs.scheduling.first_runs import FirstRuns
from jobs.scheduling.run_limits import SchedulerStopped
from jobs.scheduling.ticker import Ticker
from services.runs.freshness import refinement
from store.queries import runs
from tests.support.scheduler_world import QUICK, SMALL, TODAY, TickingClock, add_small_dataset, here


def published(engine):
    with Session(engine) as session:
        return sorted(runs.page(session, limit=50).rows)


def ticker_of(engine, **options):
    return Ticker(engine=engine, config=QUICK, make_executor=here, clock=TickingClock(TODAY), **options)


def test_every_dataset_has_a_preliminary_run_before_the_first_full_run(small):
    add_small_dataset(small, definition=replace(SMALL, id="ALSO"))
    ticker_of(small, first_answers=True).tick()
    done = published(small)
    assert [(run.status, run.preliminary) for run in done] == [("published", True)] * 2 + [("published", False)] * 2
    assert {run.dataset_id for run in done[:2]} == {"SMALL", "ALSO"}
    with Session(small) as session:
        latest = runs.latest_published(session, "SMALL")
        assert latest is not None
        assert not latest.preliminary
        assert refinement(session, latest) is None


def test_preliminary_runs_share_their_workers(small):
    add_small_dataset(small, definition=replace(SMALL, id="ALSO"))
    opened = list[None]()

    @contextmanager
    def counted():
        opened.append(None)
        with here() as executor:
            yield executor

    ticker = ticker_of(small, first_answers=True)
    ticker.make_executor = counted
    ticker.tick()
    # One pool of both preliminary runs, and one of each full run.
    assert len(published(small)) == 4
    assert len(opened) == 3


def test_stopped_in_the_middle_both_runs_are_dropped_and_no_worker_stays(small):
    add_small_dataset(small, definition=replace(SMALL, id="ALSO"))
    ticker = ticker_of(small, first_answers=True)
    ticker.make_executor = partial(process_pool, 1)
    ticking = threading.Thread(target=ticker.tick)
    ticking.start()
    deadline = time.monotonic() + 60
    while [run.status for run in published(small)] != ["running"] * 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    ticker.stopping.set()
    ticking.join(60)
    assert [run.status for run in published(small)] == ["failed"] * 2
    assert all(SchedulerStopped.__name__ in run.failures[0]["reason"] for run in published(small))
    deadline = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert multiprocessing.active_children() == []


def test_a_preliminary_run_that_fails_leaves_the_other_one(small):
    add_small_dataset(small, definition=replace(SMALL, id="ALSO"))
    unknown = replace(QUICK, forecasters=("nothing",))
    ticker_of(small, first_answers=True, dataset_configs={"ALSO": unknown}).tick()
    done = [(run.dataset_id, run.preliminary) for run in published(small) if run.status == "published"]
    assert done == [("SMALL", True), ("SMALL", False)]


def test_a_dataset_with_forecasts_gets_no_preliminary_run(small):
    ticker_of(small).tick()
    ticker_of(small, first_answers=True).tick()
    assert [run.preliminary for run in published(small)] == [False]


def test_a_full_run_is_not_compared_with_the_preliminary_one(small):
    ticker_of(small, first_answers=True).tick()
    preliminary, full = published(small)
    with Session(small) as session:
        assert runs.published_before(session, full) is None
        assert refinement(session, preliminary) == (min(QUICK.folds, FIRST_FOLDS), None)


def test_runs_are_announced_once_until_a_full_one_is_published(small):
    announced: list[str] = []
    first = FirstRuns(small, announced.append)
    assert first.waiting == ["SMALL"]
    ticker_of(small, first_answers=True).tick()
    preliminary, full = published(small)
    first._announce("SMALL", preliminary)
    first._announce("SMALL", preliminary)
    first.poll()
    first.poll()
    assert announced == [
        f"SMALL: preliminary run {preliminary.id} published",
        f"SMALL: run {full.id} published",
    ]
    assert first.waiting == FirstRuns(small, announced.append).waiting == []


def test_only_a_preliminary_configuration_says_so():
    config = ForecastConfig()
    assert "preliminary" not in config.as_dict()
    assert ForecastConfig.from_dict(config.first.as_dict()) == config.first
    assert config.first.digest != config.digest
