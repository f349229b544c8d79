"""Runs: queued, started, followed, published or failed. A published run never changes.

These functions leave the commit to the caller: progress is committed as it goes, while a run's forecasts and
its publication are one transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlmodel import Session, col

from store.database import binary_cursor
from store.errors import StoreError, UnknownRun
from store.models import Dataset, Run

LOCK_NAMESPACE = 7_236_002
"""First half of the advisory lock's key; the second is a hash of the dataset's code."""


class RunMovedOn(StoreError):
    """A run is not in the status that a change starts from: another process ended it, or it has not begun."""

    def __init__(self, run: int, wanted: str) -> None:
        self.run, self.wanted = run, wanted
        super().__init__(f"run {run} cannot become {wanted}: it is not in a status that leads there")


class RunRecord(NamedTuple):
    """A run as stored; fields as in `store.models.Run`."""

    id: int
    dataset_id: str
    status: str
    as_of: date
    cutoff: date | None
    horizon: int
    seed: int
    config: dict[str, Any]
    config_hash: str
    data_hash: str | None
    code_version: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failures: list[dict[str, Any]]
    vintage_cutoffs: list[date]
    thinned_at: datetime | None
    stage: str | None
    done: int
    total: int

    @property
    def preliminary(self) -> bool:
        """Whether the run has few folds, as the first of a dataset, until the run that follows replaces it."""
        return bool(self.config.get("preliminary", False))


class PublishedRunRecord(RunRecord):
    """A published run: the constraint `published_is_complete` guarantees its cutoff, end and data hash."""

    if TYPE_CHECKING:

        @property
        def cutoff(self) -> date:
            """The last month that the run has seen."""

        @property
        def finished_at(self) -> datetime:
            """When it was published."""

        @property
        def data_hash(self) -> str:
            """SHA-256 of the panel it was made from."""


def as_published(run: RunRecord) -> PublishedRunRecord | None:
    """The run where it is published, else None."""
    return PublishedRunRecord(*run) if run.status == "published" else None


_PRELIMINARY = sa.func.jsonb_exists(col(Run.config), "preliminary")
# Columns of the table, not of the class: the ORM would prepare a query for every request.
_COLUMNS = [sa.inspect(Run).local_table.c[name] for name in RunRecord._fields]


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


def conditional_coverage(session: Session, run_id: int) -> list[dict[str, Any]]:
    """Coverage of a run's backtest by condition: rows condition, group, level, coverage, n."""
    found: list[dict[str, Any]] | None = session.scalar(
        sa.select(col(Run.conditional_coverage)).where(col(Run.id) == run_id)
    )
    return found or []


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
    find(session, run_id)
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


def datasets_with_running(session: Session) -> list[str]:
    """Datasets with a run that is running, or whose process ended during one."""
    query = sa.select(col(Run.dataset_id)).where(col(Run.status) == "running").distinct().order_by(col(Run.dataset_id))
    return list(session.scalars(query))


def queue_length(session: Session, dataset_id: str) -> int:
    """The number of a dataset's runs that wait to be started."""
    query = sa.select(sa.func.count()).where(col(Run.dataset_id) == dataset_id, col(Run.status) == "queued")
    return int(session.execute(query.select_from(Run)).scalar_one())


def next_queued(session: Session, dataset_id: str | None = None) -> RunRecord | None:
    """The run that has waited longest, of one dataset or of any."""
    query = sa.select(*_COLUMNS).where(col(Run.status) == "queued").order_by(col(Run.id)).limit(1)
    if dataset_id is not None:
        query = query.where(col(Run.dataset_id) == dataset_id)
    return _first(session, query)


def find(session: Session, run_id: int) -> RunRecord:
    """A run by its number. Raises UnknownRun."""
    found = _first(session, sa.select(*_COLUMNS).where(col(Run.id) == run_id))
    if found is None:
        raise UnknownRun(run_id)
    return found


def latest_published(session: Session, dataset_id: str, as_of: date | None = None) -> PublishedRunRecord | None:
    """The published run with the latest as_of, none later than `as_of`; of several, the one published last."""
    with binary_cursor(session) as cursor:
        row = cursor.execute(_LATEST, {"dataset": dataset_id, "day": as_of or date.max}).fetchone()
    return PublishedRunRecord(*row) if row else None


_LATEST = f"""
    SELECT {", ".join(RunRecord._fields)} FROM run
    WHERE dataset_id = %(dataset)s AND status = 'published' AND as_of <= %(day)s
    ORDER BY as_of DESC, finished_at DESC, id DESC LIMIT 1
"""


def published_before(session: Session, run: RunRecord) -> PublishedRunRecord | None:
    """The published run of the same dataset published before this one, if any; preliminary runs do not count."""
    order = col(Run.as_of), col(Run.finished_at), col(Run.id)
    earlier = sa.tuple_(*order) < sa.tuple_(*map(sa.literal, (run.as_of, run.finished_at, run.id)))
    mine = (col(Run.dataset_id) == run.dataset_id, col(Run.status) == "published", ~_PRELIMINARY)
    newest = (column.desc() for column in order)
    found = _first(session, sa.select(*_COLUMNS).where(*mine, earlier).order_by(*newest).limit(1))
    return as_published(found) if found else None


def newest_running(session: Session, dataset_id: str) -> RunRecord | None:
    """The run of a dataset that is in progress, if any."""
    running = (col(Run.dataset_id) == dataset_id, col(Run.status) == "running")
    return _first(session, sa.select(*_COLUMNS).where(*running).order_by(col(Run.id).desc()).limit(1))


class RunPage(NamedTuple):
    """Some runs, newest first, and how many there are in all."""

    rows: list[RunRecord]
    total: int


def page(
    session: Session,
    *,
    dataset_id: str | None = None,
    status: str | None = None,
    limit: int,
    offset: int = 0,
) -> RunPage:
    """Runs, newest first, of a dataset and a status if given."""
    wanted = ((col(Run.dataset_id), dataset_id), (col(Run.status), status))
    conditions = [column == value for column, value in wanted if value is not None]
    total = session.execute(sa.select(sa.func.count()).select_from(Run).where(*conditions)).scalar_one()
    query = sa.select(*_COLUMNS).where(*conditions).order_by(col(Run.id).desc()).limit(limit).offset(offset)
    return RunPage([RunRecord(*row) for row in session.execute(query)], total)


class DatasetRuns(NamedTuple):
    """A dataset's runs at a glance: when one was last published, and how many there are by status."""

    dataset_id: str
    published_at: datetime | None
    by_status: dict[str, int]


def overview(session: Session) -> list[DatasetRuns]:
    """Every dataset's runs at a glance, by code."""
    counts = (
        sa.select(col(Dataset.id), col(Run.status), sa.func.count(), sa.func.max(col(Run.finished_at)))
        .outerjoin(Run, col(Run.dataset_id) == col(Dataset.id))
        .group_by(col(Dataset.id), col(Run.status))
        .order_by(col(Dataset.id))
    )
    glances: dict[str, DatasetRuns] = {}
    for dataset_id, status, number, finished_at in session.execute(counts):
        before = glances.get(dataset_id, DatasetRuns(dataset_id, None, {}))
        by_status = before.by_status | ({status: number} if status else {})
        published_at = finished_at if status == "published" else before.published_at
        glances[dataset_id] = DatasetRuns(dataset_id, published_at, by_status)
    return list(glances.values())


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


def _first(session: Session, query: Any, parameters: dict[str, Any] | None = None) -> RunRecord | None:
    row = session.execute(query, parameters).first()
    return RunRecord(*row) if row else None
