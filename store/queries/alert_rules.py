"""Alert rules of users and their latest evaluation.

These functions leave the commit to the caller.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.errors import UnknownAlertRule
from store.models import Alert, AlertRule


class AlertRuleRecord(NamedTuple):
    """A rule as stored; fields as in `store.models.AlertRule`. `raised_at` is that of its open alert, if any."""

    id: int
    dataset_id: str
    flow: str
    partner: str
    sector: str
    period: str
    units: str
    above: float | None
    below: float | None
    probability: float
    email: str | None
    created_at: datetime
    last_run_id: int | None
    last_probability: float | None
    last_reason: str | None
    raised_at: datetime | None


_COLUMNS: list[Any] = [col(getattr(AlertRule, name)) for name in AlertRuleRecord._fields[:-1]]


def create(session: Session, values: Mapping[str, Any], *, now: datetime) -> AlertRuleRecord:
    """Store a rule; `values` are its fields without the identifier."""
    added = sa.insert(AlertRule).values(**values, created_at=now).returning(*_COLUMNS)
    return AlertRuleRecord._make((*session.execute(added).one(), None))


def rules(session: Session, dataset_id: str | None = None) -> list[AlertRuleRecord]:
    """Every rule, or those of a dataset, oldest first."""
    query = sa.select(*_COLUMNS, col(Alert.raised_at)).outerjoin(
        Alert, sa.and_(col(Alert.rule_id) == col(AlertRule.id), col(Alert.cleared_at).is_(None))
    )
    if dataset_id is not None:
        query = query.where(col(AlertRule.dataset_id) == dataset_id)
    return [AlertRuleRecord(*row) for row in session.execute(query.order_by(col(AlertRule.id)))]


def delete(session: Session, rule_id: int) -> None:
    """Delete a rule with its alerts. Raises UnknownAlertRule."""
    deleted = sa.delete(AlertRule).where(col(AlertRule.id) == rule_id).returning(col(AlertRule.id))
    if session.execute(deleted).first() is None:
        raise UnknownAlertRule(rule_id)


def record_evaluation(
    session: Session, rule_id: int, *, run_id: int, probability: float | None, reason: str | None
) -> None:
    """Record the probability of a rule's event in a run, or the reason why it has none."""
    values = {"last_run_id": run_id, "last_probability": probability, "last_reason": reason}
    session.execute(sa.update(AlertRule).where(col(AlertRule.id) == rule_id).values(values))
