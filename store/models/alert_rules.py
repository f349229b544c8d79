"""Alert rules of users, and the e-mails about their alerts."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from store.models.base import Table, is_finite, is_in


class AlertRule(Table, table=True):
    """A rule: alert when the probability of an event is at least `probability`, a share.

    The event: a series lies above and not above two thresholds, one of which may be missing, in a period; thresholds
    are in the unit of `units`. `last_run_id`, `last_probability` and `last_reason` are from the latest evaluation; the
    reason says why there was no probability.
    """

    __tablename__ = "alert_rule"
    __table_args__ = (
        sa.CheckConstraint(is_in("flow", ("X", "M", "B")), name="flow"),
        sa.CheckConstraint(is_in("units", ("lin", "pc1")), name="units"),
        sa.CheckConstraint("above IS NOT NULL OR below IS NOT NULL", name="has_a_threshold"),
        sa.CheckConstraint(f"({is_finite('above')}) AND ({is_finite('below')})", name="is_finite"),
        sa.CheckConstraint("above < below", name="thresholds_ordered"),
        sa.CheckConstraint("probability > 0 AND probability < 1", name="probability"),
        sa.CheckConstraint("last_probability BETWEEN 0 AND 1", name="last_probability"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id", index=True)
    flow: str = Field(max_length=1)
    partner: str = Field(foreign_key="partner.code")
    sector: str = Field(foreign_key="sector.code")
    period: str = Field(max_length=17)
    units: str = Field(max_length=3)
    above: float | None = None
    below: float | None = None
    probability: float
    email: str | None = Field(default=None, max_length=254)
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    last_run_id: int | None = Field(default=None, foreign_key="run.id", ondelete="SET NULL")
    last_probability: float | None = None
    last_reason: str | None = None


class AlertMail(Table, table=True):
    """The e-mails about an alert: one when it is raised, one when it is cleared."""

    __tablename__ = "alert_mail"
    __table_args__ = (sa.CheckConstraint("sent_events BETWEEN 0 AND 2 AND attempts >= 0", name="counts"),)

    alert_id: int = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    recipient: str = Field(max_length=254)
    sent_events: int = 0
    """Of its two events, raised and cleared, how many are sent."""
    attempts: int = 0
    """Failed attempts to send the next one, which waits until `next_attempt_at`."""
    next_attempt_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
