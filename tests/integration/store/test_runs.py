from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlmodel import Session

from store.errors import UnknownRun
from store.queries import run_status, runs
from tests.support.factories import NOW, build_catalog

CUTOFF = date(2025, 12, 1)


@pytest.fixture(autouse=True)
def catalog(session: Session) -> None:
    build_catalog(session)


def queue(session: Session, **changes: Any) -> int:
    parameters: dict[str, Any] = {
        "dataset_id": "CN_TRADE",
        "as_of": date(2026, 1, 15),
        "horizon": 24,
        "seed": 1,
        "config": {"folds": 48},
        "config_hash": "c",
        "code_version": "0.1.0",
        "requested_at": NOW,
    }
    return run_status.queue(session, **parameters | changes)


def start(session: Session, data_hash: str = "d", **changes: Any) -> int:
    run_id = queue(session, **changes)
    run_status.start(session, run_id, cutoff=CUTOFF, data_hash=data_hash, started_at=NOW)
    return run_id


def publish(session: Session, data_hash: str = "d", **changes: Any) -> int:
    run_id = start(session, data_hash, **changes)
    run_status.publish(session, run_id, finished_at=NOW, failures=[])
    return run_id


def test_a_run_is_queued_started_followed_and_published(session: Session) -> None:
    run_id = queue(session)
    assert runs.find(session, run_id).status == "queued"
    run_status.start(session, run_id, cutoff=CUTOFF, data_hash="d", started_at=NOW)
    run_status.progress(session, run_id, stage="fit", done=3, total=10)
    running = runs.find(session, run_id)
    assert (running.status, running.stage, running.done, running.total) == ("running", "fit", 3, 10)
    failures = [{"unique_id": "CN_TRADE.X.WLD.TOTAL", "forecaster": "ets", "reason": "no luck"}]
    run_status.publish(session, run_id, finished_at=NOW, failures=failures)
    published = runs.find(session, run_id)
    assert (published.status, published.cutoff, published.finished_at) == ("published", CUTOFF, NOW)
    assert published.config == {"folds": 48}
    assert published.failures == failures


def test_a_published_run_never_changes(session: Session) -> None:
    run_id = publish(session)
    with pytest.raises(run_status.RunMovedOn):
        run_status.progress(session, run_id, stage="fit", done=0, total=1)
    with pytest.raises(run_status.RunMovedOn):
        run_status.fail(session, run_id, finished_at=NOW, reason="late")
    with pytest.raises(run_status.RunMovedOn, match="running"):
        run_status.start(session, run_id, cutoff=CUTOFF, data_hash="e", started_at=NOW)


def test_a_failed_run_says_why(session: Session) -> None:
    run_id = start(session)
    run_status.fail(session, run_id, finished_at=NOW, reason="out of memory")
    failed = runs.find(session, run_id)
    assert (failed.status, failed.failures) == ("failed", [{"reason": "out of memory"}])


def test_the_same_may_be_published_again(session: Session) -> None:
    first, second = publish(session), publish(session)
    assert [run.id for run in (runs.latest_published(session, "CN_TRADE"),) if run] == [second]
    assert runs.find(session, first).data_hash == runs.find(session, second).data_hash


def test_of_several_runs_of_one_day_the_one_published_last_is_the_latest(session: Session) -> None:
    early, late = start(session), start(session)
    run_status.publish(session, late, finished_at=NOW)
    run_status.publish(session, early, finished_at=NOW + timedelta(minutes=1))
    latest = runs.latest_published(session, "CN_TRADE")
    assert latest is not None
    assert latest.id == early
    before = runs.published_before(session, latest)
    assert before is not None
    assert before.id == late
    assert runs.published_before(session, before) is None


def test_orphans_of_one_dataset_are_failed_and_no_others(session: Session) -> None:
    orphan, other, waiting = start(session), start(session, dataset_id="CN_CLEANTECH"), queue(session)
    assert run_status.fail_orphans(session, "CN_TRADE", NOW) == 1
    statuses = [runs.find(session, run_id).status for run_id in (orphan, other, waiting)]
    assert statuses == ["failed", "running", "queued"]


def test_the_run_queued_first_is_next(session: Session) -> None:
    assert runs.next_queued(session) is None
    first, second = queue(session), queue(session, dataset_id="CN_CLEANTECH")
    assert [run.id for run in (runs.next_queued(session),) if run] == [first]
    assert [run.id for run in (runs.next_queued(session, "CN_CLEANTECH"),) if run] == [second]


def test_latest_is_by_as_of_then_by_number(session: Session) -> None:
    january = publish(session, "a", as_of=date(2026, 1, 15))
    backcast = publish(session, "b", as_of=date(2025, 6, 30))
    start(session, "c", as_of=date(2026, 2, 1))
    assert [run.id for run in (runs.latest_published(session, "CN_TRADE"),) if run] == [january]
    again = publish(session, "e", as_of=date(2026, 1, 15))
    assert [run.id for run in (runs.latest_published(session, "CN_TRADE"),) if run] == [again]
    as_known = runs.latest_published(session, "CN_TRADE", date(2025, 12, 31))
    assert as_known is not None
    assert as_known.id == backcast
    assert runs.latest_published(session, "CN_TRADE", date(2025, 6, 29)) is None
    assert runs.latest_published(session, "CN_CLEANTECH") is None


def test_runs_are_paged_newest_first_within_a_dataset_and_a_status(session: Session) -> None:
    numbers = [queue(session) for _ in range(3)]
    queue(session, dataset_id="CN_CLEANTECH")
    page = runs.page(session, dataset_id="CN_TRADE", status="queued", limit=2, offset=0)
    assert ([run.id for run in page.rows], page.total) == (numbers[:0:-1], 3)
    assert [run.id for run in runs.page(session, dataset_id="CN_TRADE", limit=2, offset=2).rows] == numbers[:1]
    assert runs.page(session, status="published", limit=2) == ([], 0)


def test_a_run_that_is_not_there_is_unknown(session: Session) -> None:
    with pytest.raises(UnknownRun, match="999999"):
        runs.find(session, 999_999)


def test_the_overview_counts_runs_by_status_for_every_dataset(session: Session) -> None:
    publish(session)
    queue(session)
    clean, trade = runs.overview(session)
    assert clean == ("CN_CLEANTECH", None, {})
    assert trade == ("CN_TRADE", NOW, {"published": 1, "queued": 1})


def test_a_published_run_must_be_complete(session: Session) -> None:
    run_id = queue(session)
    change = sa.text("UPDATE run SET status = 'published' WHERE id = :id")
    with pytest.raises(sa.exc.IntegrityError) as refused, session.begin_nested():
        session.execute(change, {"id": run_id})
    assert isinstance(refused.value.orig, psycopg.errors.CheckViolation)


def test_only_one_at_a_time_holds_a_dataset_s_lock(engine: Engine) -> None:
    with run_status.try_lock(engine, "CN_TRADE") as mine:
        with run_status.try_lock(engine, "CN_TRADE") as theirs, run_status.try_lock(engine, "CN_CLEANTECH") as another:
            assert (mine, theirs, another) == (True, False, True)
        with run_status.try_lock(engine, "CN_TRADE") as held:
            assert not held
    with run_status.try_lock(engine, "CN_TRADE") as free:
        assert free


def test_the_lock_is_let_go_when_the_work_fails(engine: Engine) -> None:
    with pytest.raises(RuntimeError), run_status.try_lock(engine, "CN_TRADE"):
        raise RuntimeError
    with run_status.try_lock(engine, "CN_TRADE") as free:
        assert free


def test_times_keep_their_zone(session: Session) -> None:
    run = runs.find(session, queue(session, requested_at=datetime(2026, 1, 1, 12, tzinfo=UTC)))
    assert run.requested_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
