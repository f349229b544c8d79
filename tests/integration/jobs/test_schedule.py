from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session

from jobs.ingestion.fetch import Fetched
from jobs.scheduling.ticker import Ticker
from services.runs.run_requests import request_run
from services.runs.schedule import PollInterval, next_poll, scheduled_tasks
from store.queries import fetch_attempts, releases
from tests.support.scheduler_world import QUICK, TODAY, TickingClock, here

INTERVAL = PollInterval(timedelta(minutes=10), timedelta(hours=4))
NOW = datetime(2025, 1, 20, 12, tzinfo=UTC)


def tasks(engine, now=NOW):
    with Session(engine) as session:
        found = scheduled_tasks(session, now=now, interval=INTERVAL, receives_data=True)
    return {task.task: task for task in found if task.dataset == "SMALL"}


def test_the_next_release_is_fetched_when_it_is_due(small):
    with Session(small) as session:
        awaited = releases.next_due(session, "SMALL")
        assert awaited is not None
    fetch = tasks(small)["fetch"]
    assert fetch.next_at == awaited.due_from
    assert fetch.reason == f"{awaited.period:%Y-%m} is due {awaited.due_from:%Y-%m-%d %H:%M} UTC"
    assert (fetch.last_at, fetch.last_outcome) == (None, None)
    with Session(small) as session:
        assert next_poll(session, now=NOW, interval=INTERVAL) == awaited.due_from


def test_a_release_that_is_late_is_polled_again_after_a_pause(small):
    with Session(small) as session:
        awaited = releases.next_due(session, "SMALL")
        assert awaited is not None
        now = awaited.due_from + timedelta(minutes=5)
        releases.claim_poll(session, awaited, now)
        fetch_attempts.record(
            session,
            dataset="SMALL",
            source="table",
            started_at=now,
            finished_at=now,
            outcome="failed",
            reason="Unreachable: away",
            feed_hash="f",
        )
        session.commit()
    fetch = tasks(small, now)["fetch"]
    assert fetch.next_at == now + INTERVAL.first
    assert "was due" in fetch.reason
    assert fetch.reason.endswith("polled once")
    assert fetch[4:7] == (now, "failed", "Unreachable: away")


def test_the_last_run_and_the_queue_are_shown(small):
    ticker = Ticker(engine=small, config=QUICK, make_executor=here, clock=TickingClock(TODAY))
    assert tasks(small)["run"][2:7] == (None, "follows new observations", None, None, None)
    ticker.tick()
    run = tasks(small)["run"]
    assert (run.next_at, run.last_outcome, run.last_reason) == (None, "published", None)
    with Session(small) as session:
        number = request_run(session, dataset="SMALL", as_of=date(2025, 1, 19), config=QUICK, now=NOW)
        session.commit()
    assert tasks(small)["run"][2:4] == (NOW, f"run {number} is queued")


def test_two_ticks_at_once_are_one(small):
    ticker = Ticker(engine=small, config=QUICK, make_executor=here, clock=TickingClock(TODAY))
    polled = []

    def poll(dataset):
        polled.append(dataset)
        ticker.tick()
        return Fetched(dataset, "unchanged")

    ticker.polls = {"NEW": poll}
    ticker.tick()
    assert polled == ["NEW"]
