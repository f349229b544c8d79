"""Changes of a run: queued, started, published or ended, by the one process that holds its dataset's lock.

These functions leave the commit to the caller: progress is committed as it goes, while a run's forecasts and
its publication are one transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlmodel import Session, col

from store.errors import StoreError
from store.models import Run
from store.queries import runs

LOCK_NAMESPACE = 7_236_002
"""First half of the advisory lock's key; the second is a hash of the dataset's code."""


class RunMovedOn(StoreError):
    """A run is not in the status that a change starts from: another process ended it, or it has not begun."""

    def __init__(self, run: int, wanted: str) -> None:
        self.run, self.wanted = run, wanted
        super().__init__(f"run {run} cannot become {wanted}: it is not in a status that leads there")


def queue(
    session: Session,
    *,
    dataset_id: str,
    as_of: date,
    horizon: int,
    seed: int,
    config: dict[str, Any],
    config_hash: str,
    code_version: str,
    requested_at: datetime,
) -> int:
    """The number of a new run that waits to be started."""
    values = {
        "dataset_id": dataset_id,
        "as_of": as_of,
        "horizon": horizon,
        "seed": seed,
        "config": config,
        "config_hash": config_hash,
        "code_version": code_version,
        "requested_at": requested_at,
        "status": "queued",
        "failures": [],
        "vintage_cutoffs": [],
        "done": 0,
        "total": 0,
    }
    return int(session.execute(sa.insert(Run).values(values).returning(col(Run.id))).scalar_one())


def start(session: Session, run_id: int, *, cutoff: date, data_hash: str, started_at: datetime) -> None:
    """A queued run begins, on these data. Raises RunMovedOn if it is not queued."""
    values = {"status": "running", "cutoff": cutoff, "data_hash": data_hash, "started_at": started_at}
    _move(session, run_id, from_=("queued",), values=values)


def progress(session: Session, run_id: int, *, stage: str, done: int, total: int) -> None:
    """How far a running run is. Raises RunMovedOn if it is not running."""
    _move(session, run_id, from_=("running",), values={"stage": stage, "done": done, "total": total})


def analyze_tables(session: Session) -> None:
    """Update planner statistics after a write; without them, reading a series takes fifty times as long.

    Autovacuum does the same, some minutes later.
    """
    session.execute(sa.text(f"ANALYZE {', '.join(_WRITTEN)}"))


_WRITTEN = (
    *("panel_series", "forecast", "forecast_quantile", "forecast_path", "forecast_weight"),
    *("decomposition", "backtest_forecast", "backtest_period", "score"),
)


def publish(
    session: Session,
    run_id: int,
    *,
    finished_at: datetime,
    failures: Sequence[dict[str, Any]] = (),
    vintage_cutoffs: Sequence[date] = (),
    conditional_coverage: Sequence[dict[str, Any]] = (),
) -> None:
    """A running run becomes readable, for good; `vintage_cutoffs` are its folds that are not on revised data.

    Raises RunMovedOn if it is not running.
    """
    values = {"status": "published", "finished_at": finished_at, "failures": list(failures)}
    values |= {"vintage_cutoffs": list(vintage_cutoffs), "conditional_coverage": list(conditional_coverage)}
    _move(session, run_id, from_=("running",), values=values)


def awaits_follow_up(session: Session, run_id: int) -> bool:
    """Whether a run is published and the work after its publication has not ended."""
    waiting = (col(Run.status) == "published", col(Run.followed_up_at).is_(None))
    return session.scalar(sa.select(col(Run.id)).where(col(Run.id) == run_id, *waiting)) is not None


def end_follow_up(session: Session, run_id: int, moment: datetime) -> None:
    """Record that the work after a run's publication has ended."""
    session.execute(sa.update(Run).where(col(Run.id) == run_id).values(followed_up_at=moment))


def fail(session: Session, run_id: int, *, finished_at: datetime, reason: str) -> None:
    """A queued or running run ends without forecasts. Raises RunMovedOn if it has ended already."""
    values = {"status": "failed", "finished_at": finished_at, "failures": [{"reason": reason}]}
    _move(session, run_id, from_=("queued", "running"), values=values)


CANCELLED = "cancelled by request"
"""The reason of a failed run that was cancelled."""


def cancel(session: Session, run_id: int, *, finished_at: datetime) -> None:
    """End a queued or running run; its process notices when it next reports progress.

    Raises UnknownRun; RunMovedOn if it has ended already.
    """
    runs.find(session, run_id)
    fail(session, run_id, finished_at=finished_at, reason=CANCELLED)


def mark_unchanged(session: Session, run_id: int, *, identical_run: int, finished_at: datetime) -> None:
    """A queued run ends because `identical_run`, of the same data, configuration and code, is the latest."""
    values = {
        "status": "unchanged",
        "finished_at": finished_at,
        "failures": [{"reason": "nothing new", "run": identical_run}],
    }
    _move(session, run_id, from_=("queued",), values=values)


def fail_orphans(session: Session, dataset_id: str, finished_at: datetime) -> int:
    """End the runs whose process died; gives how many. The caller must hold the lock of the dataset."""
    orphans = sa.update(Run).where(col(Run.dataset_id) == dataset_id, col(Run.status) == "running")
    reason = [{"reason": "the process that made it ended before it was done"}]
    ended = session.execute(
        orphans.values(status="failed", finished_at=finished_at, failures=reason).returning(col(Run.id))
    )
    return len(ended.all())


@contextmanager
def try_lock(engine: Engine, dataset_id: str) -> Iterator[bool]:
    """Whether this process, and no other, makes runs of the dataset, until the end of the block.

    The lock belongs to a connection of its own: should the process be killed, PostgreSQL lets go of it.
    """
    key = {"space": LOCK_NAMESPACE, "dataset": dataset_id}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        acquire = sa.text("SELECT pg_try_advisory_lock(:space, hashtext(:dataset))")
        acquired = bool(connection.execute(acquire, key).scalar_one())
        try:
            yield acquired
        finally:
            # A connection lost meanwhile took the lock with it.
            with suppress(sa.exc.OperationalError):
                connection.execute(sa.text("SELECT pg_advisory_unlock(:space, hashtext(:dataset))"), key)


def _move(session: Session, run_id: int, *, from_: tuple[str, ...], values: dict[str, Any]) -> None:
    """Change a run only in the statuses it may be changed in."""
    change = sa.update(Run).where(col(Run.id) == run_id, col(Run.status).in_(from_)).values(values)
    if session.execute(change.returning(col(Run.id))).first() is None:
        raise RunMovedOn(run_id, values.get("status", "further along"))
