"""Runs as stored: by number, the latest of a dataset, those that wait or are in progress, and lists of them."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.database import binary_cursor
from store.errors import UnknownRun
from store.models import Dataset, Run


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


def conditional_coverage(session: Session, run_id: int) -> list[dict[str, Any]]:
    """Coverage of a run's backtest by condition: rows condition, group, level, coverage, n."""
    found: list[dict[str, Any]] | None = session.scalar(
        sa.select(col(Run.conditional_coverage)).where(col(Run.id) == run_id)
    )
    return found or []


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


def _first(session: Session, query: Any, parameters: dict[str, Any] | None = None) -> RunRecord | None:
    row = session.execute(query, parameters).first()
    return RunRecord(*row) if row else None
