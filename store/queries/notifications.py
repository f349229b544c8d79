"""Notifications: recorded from runs, observations, tracking and alerts, delivered, and listed.

These functions leave the commit to the caller.
"""

from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import Notification

Type = Literal["run.published", "figures.arrived", "forecast.surprised", "release.late", "rule.met"]
MOST_SERIES = 20
"""Series listed in a notification of surprises; it counts all of them."""


class NotificationRecord(NamedTuple):
    """A notification as stored; fields as in `store.models.Notification`."""

    id: int
    dataset_id: str
    type: Type
    occurred_at: datetime
    data: dict[str, Any]
    delivered_at: datetime | None
    abandoned_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    failure: str | None


class NotificationPage(NamedTuple):
    """Some notifications of a longer list, newest first, and its length."""

    rows: list[NotificationRecord]
    total: int


_COLUMNS: list[Any] = [col(getattr(Notification, name)) for name in NotificationRecord._fields]


def record(session: Session, *, since: datetime, now: datetime) -> int:
    """Record what happened since a moment and is not recorded yet; returns the number of new notifications."""
    given = {"since": since, "since_day": since.date(), "now": now, "most": MOST_SERIES}
    return sum(len(session.execute(statement, given).all()) for statement in _RECORDS)


def _insert(select: str) -> sa.TextClause:
    columns = "(type, dataset_id, key, occurred_at, data)"
    return sa.text(f"INSERT INTO notification {columns} {select} ON CONFLICT DO NOTHING RETURNING id")


_RECORDS = (
    _insert("""
        SELECT 'run.published', dataset_id, id::text, finished_at, jsonb_build_object(
            'run', id, 'as_of', as_of, 'cutoff', to_char(cutoff, 'YYYY-MM'), 'horizon', horizon)
        FROM run WHERE status = 'published' AND finished_at >= :since
    """),
    # The count is part of the key: a release may come in parts.
    _insert("""
        SELECT 'figures.arrived', s.dataset_id, o.vintage || ' ' || count(*), :now, jsonb_build_object(
            'vintage', o.vintage, 'first_month', to_char(min(o.month), 'YYYY-MM'),
            'last_month', to_char(max(o.month), 'YYYY-MM'),
            'observations', count(*), 'series', count(DISTINCT o.series_id))
        FROM observation o JOIN series s ON s.id = o.series_id
        WHERE o.vintage >= :since_day AND NOT o.backfilled
        GROUP BY s.dataset_id, o.vintage
    """),
    # The last forecast of each target that was published before its first print.
    _insert("""
        WITH last AS (
            SELECT DISTINCT ON (t.series_id, t.month, t.months) t.*, r.dataset_id
            FROM tracking t JOIN run r ON r.id = t.run_id
            WHERE t.first_vintage >= :since_day AND NOT t.backfilled AND r.as_of < t.first_vintage
            ORDER BY t.series_id, t.month, t.months, r.as_of DESC, r.id DESC
        ), surprise AS (
            SELECT last.*,
                   q.values[array_position(q.probabilities, CAST(0.025 AS float8))][last.step] AS lo,
                   q.values[array_position(q.probabilities, CAST(0.975 AS float8))][last.step] AS hi,
                   concat_ws('.', s.dataset_id, s.flow, s.partner, s.sector) AS unique_id,
                   row_number() OVER (PARTITION BY last.dataset_id, last.month, last.first_vintage
                                      ORDER BY abs(last.first_value - last.median) DESC) AS place
            FROM last JOIN series s ON s.id = last.series_id
            LEFT JOIN forecast_quantile q ON q.run_id = last.run_id AND q.series_id = last.series_id
                AND last.months = 1
            WHERE last.first_level IS NULL
        ), counted AS (
            SELECT dataset_id, month, first_vintage, count(*) AS forecasts FROM last GROUP BY 1, 2, 3
        )
        SELECT 'forecast.surprised', dataset_id,
               concat_ws(' ', to_char(month, 'YYYY-MM'), first_vintage, count(*)), :now,
               jsonb_build_object(
                   'month', to_char(month, 'YYYY-MM'), 'vintage', first_vintage, 'unit', max(d.unit),
                   'forecasts', max(c.forecasts), 'outside', count(*), 'expected', 0.05 * max(c.forecasts),
                   'series', jsonb_agg(jsonb_build_object(
                       'unique_id', unique_id, 'run', run_id, 'step', step, 'actual', first_value,
                       'median', median, 'lo', lo, 'hi', hi) ORDER BY place) FILTER (WHERE place <= :most))
        FROM surprise JOIN counted c USING (dataset_id, month, first_vintage) JOIN dataset d ON d.id = dataset_id
        GROUP BY dataset_id, month, first_vintage
    """),
    _insert("""
        SELECT 'release.late', dataset_id, to_char(period, 'YYYY-MM') || ' ' || id, raised_at,
               jsonb_strip_nulls(jsonb_build_object(
                   'period', to_char(period, 'YYYY-MM'), 'indicator', indicator_id, 'reason', reason))
        FROM alert WHERE kind = 'late' AND raised_at >= :since
    """),
    _insert("""
        SELECT 'rule.met', dataset_id, id::text, raised_at, jsonb_build_object('rule', rule_id, 'reason', reason)
        FROM alert WHERE kind = 'rule' AND raised_at >= :since
    """),
)


def page(
    session: Session,
    *,
    dataset_id: str | None = None,
    type_: Type | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> NotificationPage:
    """Notifications, newest first."""
    wanted = ((col(Notification.dataset_id), dataset_id), (col(Notification.type), type_))
    conditions = [column == value for column, value in wanted if value is not None]
    total = session.execute(sa.select(sa.func.count()).select_from(Notification).where(*conditions)).scalar_one()
    newest = (col(Notification.occurred_at).desc(), col(Notification.id).desc())
    query = sa.select(*_COLUMNS).where(*conditions).order_by(*newest).limit(limit).offset(offset)
    return NotificationPage([NotificationRecord(*row) for row in session.execute(query)], total)


def next_undelivered(session: Session, *, since: datetime, now: datetime) -> NotificationRecord | None:
    """The oldest notification since a moment that is to be delivered now, locked until the transaction ends."""
    waiting = (col(Notification.delivered_at).is_(None), col(Notification.abandoned_at).is_(None))
    ready = sa.or_(col(Notification.next_attempt_at).is_(None), col(Notification.next_attempt_at) <= now)
    query = (
        sa.select(*_COLUMNS)
        .where(*waiting, ready, col(Notification.occurred_at) >= since)
        .order_by(col(Notification.id))
        .limit(1)
    )
    row = session.execute(query.with_for_update(skip_locked=True)).first()
    return NotificationRecord(*row) if row else None


def mark_delivered(session: Session, notification_id: int, now: datetime) -> None:
    """Record a delivery."""
    _update(session, notification_id, delivered_at=now, next_attempt_at=None, failure=None)


def postpone(session: Session, notification: NotificationRecord, until: datetime, failure: str) -> None:
    """Record a failed delivery and the time of the next attempt."""
    attempts = notification.attempts + 1
    _update(session, notification.id, attempts=attempts, next_attempt_at=until, failure=failure)


def abandon(session: Session, notification: NotificationRecord, now: datetime, failure: str) -> None:
    """Record the last failed delivery."""
    attempts = notification.attempts + 1
    _update(session, notification.id, attempts=attempts, abandoned_at=now, next_attempt_at=None, failure=failure)


def _update(session: Session, notification_id: int, **values: Any) -> None:
    session.execute(sa.update(Notification).where(col(Notification.id) == notification_id).values(values))
