"""Attempts to fetch sources, and their results."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import SourceAttempt

Validators = dict[str, dict[str, str | None]]
"""By address, the names and values of an answer's validators."""


class SourceRecord(NamedTuple):
    """A dataset's source as its attempts tell it: the last one, the last that went well, the last that failed."""

    dataset: str
    source: str
    last_attempt_at: datetime
    outcome: str
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None


class SourcePage(NamedTuple):
    """Some sources of a longer list, by dataset, and its length."""

    rows: list[SourceRecord]
    total: int


def record(
    session: Session,
    *,
    dataset: str,
    source: str,
    started_at: datetime,
    finished_at: datetime,
    outcome: str,
    feed_hash: str,
    inserted: int = 0,
    reason: str | None = None,
    validators: Mapping[str, Any] | None = None,
) -> None:
    """Note an attempt. The caller commits."""
    values = {
        "dataset_id": dataset,
        "source": source,
        "started_at": started_at,
        "finished_at": finished_at,
        "outcome": outcome,
        "inserted": inserted,
        "reason": reason,
        "feed_hash": feed_hash,
        "validators": dict(validators or {}),
    }
    session.execute(sa.insert(SourceAttempt).values(**values))


def attempted_since(session: Session, dataset: str, moment: datetime) -> bool:
    """Whether the dataset's source was asked after a moment."""
    conditions = (col(SourceAttempt.dataset_id) == dataset, col(SourceAttempt.started_at) > moment)
    return bool(session.execute(sa.select(sa.exists().where(*conditions))).scalar_one())


def validators(session: Session, dataset: str, *, feed_hash: str) -> Validators:
    """Those of the last attempt that went well, if the same was asked then."""
    query = (
        sa.select(col(SourceAttempt.validators), col(SourceAttempt.feed_hash))
        .where(col(SourceAttempt.dataset_id) == dataset, col(SourceAttempt.outcome) != "failed")
        .order_by(col(SourceAttempt.started_at).desc(), col(SourceAttempt.id).desc())
        .limit(1)
    )
    last = session.execute(query).first()
    return last.validators if last is not None and last.feed_hash == feed_hash else {}


def sources(session: Session, *, limit: int | None = None, offset: int = 0) -> SourcePage:
    """Every dataset whose source was asked, by code."""
    went_well = col(SourceAttempt.outcome) != "failed"
    newest = (col(SourceAttempt.started_at).desc(), col(SourceAttempt.id).desc())

    def last(column: Any, *conditions: sa.ColumnElement[bool]) -> Any:
        ordered = sa.func.array_agg(sa.dialects.postgresql.aggregate_order_by(column, *newest))
        return (ordered.filter(*conditions) if conditions else ordered)[1]

    query = (
        sa.select(
            col(SourceAttempt.dataset_id),
            last(SourceAttempt.source),
            last(SourceAttempt.started_at),
            last(SourceAttempt.outcome),
            last(SourceAttempt.started_at, went_well),
            last(SourceAttempt.started_at, ~went_well),
            last(SourceAttempt.reason, ~went_well),
        )
        .group_by(col(SourceAttempt.dataset_id))
        .order_by(col(SourceAttempt.dataset_id))
    )
    total = session.execute(sa.select(sa.func.count(sa.distinct(col(SourceAttempt.dataset_id))))).scalar_one()
    rows = session.execute(query.limit(limit).offset(offset))
    return SourcePage([SourceRecord(*row) for row in rows], total)
