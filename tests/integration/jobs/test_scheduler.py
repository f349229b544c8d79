"""The scheduler: due and requested runs happen once, and a failure stops nothing else."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from jobs.runs import forecast_run
from jobs.scheduling.run_limits import SchedulerStopped
from jobs.scheduling.ticker import Ticker
from services.runs.run_requests import request_run
from store.database import make_engine
from store.queries import alerts, run_status, runs
from tests.support.scheduler_world import QUICK, SMALL, TODAY, TickingClock, add_small_dataset, here


def ticker_of(engine, day=TODAY):
    return Ticker(engine=engine, config=QUICK, make_executor=here, clock=TickingClock(day))


def all_runs(engine):
    with Session(engine) as session:
        return sorted(runs.page(session, limit=50).rows)


def revise(engine, vintage):
    """A new vintage of one value."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO observation (series_id, month, vintage, value, months, status, backfilled) "
                "SELECT series_id, month, :vintage, value * 1.1, 1, 'A', false FROM observation "
                "WHERE month = '2024-12-01' ORDER BY series_id LIMIT 1"
            ),
            {"vintage": vintage},
        )


def test_the_first_tick_publishes_and_the_next_does_nothing(small):
    ticker = ticker_of(small)
    ticker.tick()
    ticker.tick()
    assert [run.status for run in all_runs(small)] == ["published"]


def test_new_figures_make_a_new_run(small):
    ticker = ticker_of(small)
    ticker.tick()
    revise(small, date(2025, 1, 19))
    ticker.tick()
    assert [run.status for run in all_runs(small)] == ["published", "published"]
    assert len({run.data_hash for run in all_runs(small)}) == 2


def test_a_new_day_without_new_figures_publishes_nothing(small):
    ticker = ticker_of(small)
    ticker.tick()
    ticker.clock.now += timedelta(days=1)
    ticker.tick()
    assert [run.status for run in all_runs(small)] == ["published"]


def test_what_was_asked_for_is_carried_out_with_the_terms_asked_for(small):
    ticker = ticker_of(small)
    ticker.tick()
    parameters = QUICK.__class__.from_dict(QUICK.as_dict() | {"horizon": 3})
    with Session(small) as session:
        wanted = request_run(session, dataset="SMALL", as_of=TODAY, config=parameters, now=ticker.clock())
        session.commit()
    ticker.tick()
    carried_out = next(run for run in all_runs(small) if run.id == wanted)
    assert (carried_out.status, carried_out.horizon) == ("published", 3)


def test_a_run_that_fails_is_not_tried_again_on_the_same_figures(small, monkeypatch):
    attempts = []

    def broken(**_given):
        attempts.append(1)
        raise RuntimeError("no luck")

    monkeypatch.setattr("jobs.scheduling.ticker.run_forecast", broken)
    ticker = ticker_of(small)
    ticker.tick()
    ticker.tick()
    assert len(attempts) == 1
    revise(small, date(2025, 1, 19))
    ticker.tick()
    assert len(attempts) == 2


def test_an_unexpected_exception_of_one_dataset_stops_no_other(small, monkeypatch):
    add_small_dataset(small, definition=replace(SMALL, id="ALSO"))
    run_forecast = forecast_run.run_forecast

    def one_broken(**given):
        if given["dataset"] == "ALSO":
            raise ZeroDivisionError("not foreseen")
        return run_forecast(**given)

    monkeypatch.setattr("jobs.scheduling.ticker.run_forecast", one_broken)
    ticker = ticker_of(small)
    ticker.polls = {"ALSO": lambda _dataset: 1 / 0, "NEW": lambda _dataset: 1 / 0}
    ticker.tick()
    assert [(run.dataset_id, run.status) for run in all_runs(small)] == [("SMALL", "published")]
    with Session(small) as session:
        (alert,) = alerts.open_alerts(session, "ALSO", "run")
    assert alert.reason == "ZeroDivisionError: not foreseen"
    monkeypatch.setattr("jobs.scheduling.ticker.run_forecast", run_forecast)
    ticker.attempted.clear()
    ticker.tick()
    with Session(small) as session:
        assert alerts.open_alerts(session, "ALSO", "run") == []


def test_a_queued_run_that_cannot_begin_fails_and_leaves_the_queue(small):
    ticker = ticker_of(small)
    with Session(small) as session:
        odd = request_run(session, dataset="SMALL", as_of=TODAY, config=QUICK, now=ticker.clock())
        good = request_run(session, dataset="SMALL", as_of=TODAY, config=QUICK, now=ticker.clock())
        session.commit()
        session.execute(sa.text("UPDATE run SET config = '{\"unknown\": 1}' WHERE id = :id"), {"id": odd})
        session.commit()
    ticker.tick()
    found = {run.id: run for run in all_runs(small)}
    assert (found[odd].status, found[good].status) == ("failed", "published")
    assert "unknown" in found[odd].failures[0]["reason"]


def test_a_run_whose_process_died_is_closed_at_the_next_tick(small):
    ticker = ticker_of(small)
    with Session(small) as session:
        dead = request_run(session, dataset="SMALL", as_of=TODAY, config=QUICK, now=ticker.clock())
        run_status.start(session, dead, cutoff=TODAY.replace(day=1), data_hash="d", started_at=ticker.clock())
        session.commit()
    ticker.tick()
    with Session(small) as session:
        assert runs.find(session, dead).status == "failed"


def test_a_run_that_takes_too_long_is_ended_and_alerted(small):
    ticker = ticker_of(small)
    ticker.run_limit = timedelta(seconds=1)
    ticker.tick()
    assert [run.status for run in all_runs(small)] == ["failed"]
    with Session(small) as session:
        (alert,) = alerts.open_alerts(session, "SMALL", "run")
    assert "was ended after" in alert.reason


def test_a_cancelled_run_publishes_nothing_and_is_not_repeated(small):
    ticker = ticker_of(small)

    def cancel_and_work():
        with Session(small) as session:
            (running,) = runs.page(session, status="running", limit=5).rows
            run_status.cancel(session, running.id, finished_at=ticker.clock())
            session.commit()
        return here()

    ticker.make_executor = cancel_and_work
    ticker.tick()
    ticker.tick()
    (cancelled,) = all_runs(small)
    assert (cancelled.status, cancelled.failures) == ("failed", [{"reason": run_status.CANCELLED}])
    with Session(small) as session:
        assert alerts.open_alerts(session, "SMALL", "run") == []
        assert session.scalar(sa.text("SELECT count(*) FROM forecast")) == 0


def test_a_dataset_without_figures_is_left_alone(own_engine):
    ticker_of(own_engine).tick()
    assert all_runs(own_engine) == []


def test_a_database_that_is_away_ends_nothing():
    away = make_engine("postgresql://nobody@127.0.0.1:1/nothing")
    ticker_of(away).tick()


def test_asked_to_stop_it_drops_the_run_whole(small):
    ticker = ticker_of(small)
    ticker.stopping.set()
    ticker.tick()
    (dropped,) = all_runs(small)
    assert dropped.status == "failed"
    assert SchedulerStopped.__name__ in dropped.failures[0]["reason"]
    ticker.stopping.clear()
    ticker.attempted.clear()
    ticker.tick()
    assert all_runs(small)[-1].status == "published"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly_on_a_signal(own_url, number, tmp_path):
    environment = {**os.environ, "TRADEWIND_DATABASE_URL": own_url}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "cli", "schedule"], env=environment, stderr=log)
        deadline = time.monotonic() + 60
        while b"scheduler.started" not in (tmp_path / "log").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(30) == 0
    assert b"scheduler.stopped" in (tmp_path / "log").read_bytes()
