"""Alerts and their delivery state.

These functions leave the commit to the caller.
"""

from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.models import ALERT_KINDS, Alert, AlertMail, Dataset

Kind = Literal["late", "source", "run", "rule"]


class AlertRecord(NamedTuple):
    """An alert as stored; fields as in `store.models.Alert`."""

    id: int
    dataset_id: str
    kind: str
    period: date
    reason: str
    raised_at: datetime
    cleared_at: datetime | None
    rule_id: int | None
    indicator_id: str | None
    delivered_events: int
    delivery_attempts: int


_COLUMNS: list[Any] = [col(getattr(Alert, name)) for name in AlertRecord._fields]


def raise_alert(
    session: Session,
    dataset_id: str,
    kind: Kind,
    period: date,
    *,
    reason: str,
    now: datetime,
    rule: int | None = None,
    indicator: str | None = None,
    email: str | None = None,
) -> bool:
    """Raise an alert, and e-mails about it if an address is given; False if it is open already."""
    row = {"dataset_id": dataset_id, "kind": kind, "period": period, "reason": reason, "raised_at": now}
    added = (
        insert(Alert)
        .values(row | {"rule_id": rule, "indicator_id": indicator})
        .on_conflict_do_nothing()
        .returning(col(Alert.id))
    )
    alert = session.execute(added).scalar()
    if alert is not None and email is not None:
        session.execute(insert(AlertMail).values(alert_id=alert, recipient=email, sent_events=0, attempts=0))
    return alert is not None


def clear(session: Session, alert_id: int, now: datetime) -> None:
    """Clear an alert."""
    open_still = (col(Alert.id) == alert_id, col(Alert.cleared_at).is_(None))
    session.execute(sa.update(Alert).where(*open_still).values(cleared_at=now))


def open_alerts(session: Session, dataset_id: str | None = None, kind: Kind | None = None) -> list[AlertRecord]:
    """Alerts that are not cleared, oldest first."""
    wanted = ((col(Alert.dataset_id), dataset_id), (col(Alert.kind), kind))
    conditions = [column == value for column, value in wanted if value is not None]
    query = sa.select(*_COLUMNS).where(col(Alert.cleared_at).is_(None), *conditions).order_by(col(Alert.id))
    return [AlertRecord(*row) for row in session.execute(query)]


def open_of_rule(session: Session, rule: int) -> AlertRecord | None:
    """The alert of a rule that is not cleared."""
    query = sa.select(*_COLUMNS).where(col(Alert.cleared_at).is_(None), col(Alert.rule_id) == rule)
    row = session.execute(query).first()
    return AlertRecord(*row) if row else None


def next_undelivered(session: Session, now: datetime) -> AlertRecord | None:
    """The oldest alert with an event to deliver now, locked until the transaction ends."""
    cleared = sa.case((col(Alert.cleared_at).is_(None), 1), else_=2)
    ready = sa.or_(col(Alert.next_attempt_at).is_(None), col(Alert.next_attempt_at) <= now)
    query = sa.select(*_COLUMNS).where(col(Alert.delivered_events) < cleared, ready).order_by(col(Alert.id)).limit(1)
    row = session.execute(query.with_for_update(skip_locked=True)).first()
    return AlertRecord(*row) if row else None


def mark_delivered(session: Session, alert: AlertRecord) -> None:
    """Record the delivery of the alert's next event."""
    values = {"delivered_events": alert.delivered_events + 1, "delivery_attempts": 0, "next_attempt_at": None}
    session.execute(sa.update(Alert).where(col(Alert.id) == alert.id).values(values))


def postpone(session: Session, alert: AlertRecord, until: datetime) -> None:
    """Record a failed delivery and the time of the next attempt."""
    values = {"delivery_attempts": alert.delivery_attempts + 1, "next_attempt_at": until}
    session.execute(sa.update(Alert).where(col(Alert.id) == alert.id).values(values))


class MailRecord(NamedTuple):
    """The next e-mail about an alert; fields as in `store.models.AlertMail`."""

    alert_id: int
    recipient: str
    sent_events: int
    attempts: int


def next_mail(session: Session, now: datetime) -> tuple[MailRecord, AlertRecord] | None:
    """The oldest e-mail to send now, with its alert, locked until the transaction ends."""
    mail = [col(getattr(AlertMail, name)) for name in MailRecord._fields]
    cleared = sa.case((col(Alert.cleared_at).is_(None), 1), else_=2)
    ready = sa.or_(col(AlertMail.next_attempt_at).is_(None), col(AlertMail.next_attempt_at) <= now)
    query = (
        sa.select(*mail, *_COLUMNS)
        .join(Alert, col(Alert.id) == col(AlertMail.alert_id))
        .where(col(AlertMail.sent_events) < cleared, ready)
        .order_by(col(AlertMail.alert_id))
        .limit(1)
    )
    row = session.execute(query.with_for_update(of=AlertMail, skip_locked=True)).first()
    return None if row is None else (MailRecord(*row[: len(mail)]), AlertRecord(*row[len(mail) :]))


def mark_sent(session: Session, mail: MailRecord) -> None:
    """Record that the next e-mail is sent."""
    values = {"sent_events": mail.sent_events + 1, "attempts": 0, "next_attempt_at": None}
    session.execute(sa.update(AlertMail).where(col(AlertMail.alert_id) == mail.alert_id).values(values))


def postpone_mail(session: Session, mail: MailRecord, until: datetime) -> None:
    """Record a failed attempt and the time of the next one."""
    values = {"attempts": mail.attempts + 1, "next_attempt_at": until}
    session.execute(sa.update(AlertMail).where(col(AlertMail.alert_id) == mail.alert_id).values(values))


def open_by_kind(session: Session) -> dict[tuple[str, str], int]:
    """Number of open alerts by dataset and kind, including zeros."""
    datasets = session.scalars(sa.select(col(Dataset.id)).order_by(col(Dataset.id))).all()
    counts = {(dataset, kind): 0 for dataset in datasets for kind in ALERT_KINDS}
    for alert in open_alerts(session):
        counts[alert.dataset_id, alert.kind] += 1
    return counts
