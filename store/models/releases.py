"""The release calendar, attempts to fetch it, and alerts about it."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from store.models.base import Table, is_first_of_month, is_in

FETCH_OUTCOMES = ("new", "unchanged", "failed")
ALERT_KINDS = ("late", "source", "run", "rule")


class Release(Table, table=True):
    """A month of the release calendar: its due date and its publication."""

    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("period"), name="period_starts"),
        sa.CheckConstraint("due_on > period", name="due_after_month_begins"),
        sa.CheckConstraint("missing >= 0 AND polls >= 0", name="counts"),
    )

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id")
    period: date = Field(primary_key=True)
    due_on: date
    due_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """The moment it is due, where more than the day is known."""
    published_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    missing: int = 0
    """Series that the month before had and this one, though published, has not: a release may come in parts."""
    polls: int = 0
    polled_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """When its source was last asked, `polls` times in all."""


class SourceAttempt(Table, table=True):
    """An attempt to fetch a dataset and its result; the dataset may not exist yet."""

    __tablename__ = "source_attempt"
    __table_args__ = (
        sa.CheckConstraint(is_in("outcome", FETCH_OUTCOMES), name="outcome"),
        sa.CheckConstraint("(outcome = 'failed') = (reason IS NOT NULL)", name="failure_has_reason"),
        sa.CheckConstraint("(outcome = 'new') = (inserted > 0)", name="new_is_something"),
        sa.Index("ix_source_attempt_dataset_id_started_at", "dataset_id", "started_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(max_length=40)
    source: str = Field(max_length=40)
    started_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    finished_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    outcome: str = Field(max_length=12)
    inserted: int = 0
    reason: str | None = None
    feed_hash: str = Field(max_length=64)
    validators: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """Validators of conditional requests, by address."""


class Alert(Table, table=True):
    """An alert on a dataset, or on an indicator of it, and the delivery state of its two events: raised and cleared."""

    __table_args__ = (
        sa.CheckConstraint(is_in("kind", ALERT_KINDS), name="kind"),
        sa.CheckConstraint(is_first_of_month("period"), name="period_starts"),
        sa.CheckConstraint("delivered_events BETWEEN 0 AND 2 AND delivery_attempts >= 0", name="counts"),
        sa.CheckConstraint("cleared_at >= raised_at", name="cleared_after_raised"),
        sa.CheckConstraint("(kind = 'rule') = (rule_id IS NOT NULL)", name="has_a_rule"),
        sa.CheckConstraint("indicator_id IS NULL OR kind = 'late'", name="indicator_is_late"),
        sa.Index(
            "uq_alert_open_indicator",
            "dataset_id",
            "indicator_id",
            "period",
            unique=True,
            postgresql_where=sa.text("cleared_at IS NULL"),
        ),
        sa.Index("uq_alert_open_rule", "rule_id", unique=True, postgresql_where=sa.text("cleared_at IS NULL")),
        sa.Index(
            "uq_alert_open",
            "dataset_id",
            "kind",
            "period",
            unique=True,
            postgresql_where=sa.text("cleared_at IS NULL AND rule_id IS NULL AND indicator_id IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    kind: str = Field(max_length=16)
    rule_id: int | None = Field(default=None, foreign_key="alert_rule.id", ondelete="CASCADE")
    """The rule of a user that was met, for the kind `rule`."""
    indicator_id: str | None = Field(default=None, foreign_key="indicator.id", ondelete="CASCADE")
    """The indicator of the dataset that is late, for the kind `late`."""
    period: date
    """The month that was awaited when it was raised."""
    reason: str
    raised_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    cleared_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    delivered_events: int = 0
    """Of its two events, raised and cleared, how many are delivered_events."""
    delivery_attempts: int = 0
    """How often it was tried in vain to tell the next one, which waits until `next_attempt_at`."""
    next_attempt_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
