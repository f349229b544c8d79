"""Notifications for readers, and their delivery state."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from store.models.base import Table, is_in

NOTIFICATION_TYPES = ("run.published", "figures.arrived", "forecast.surprised", "release.late", "rule.met")


class Notification(Table, table=True):
    """Something that happened to a dataset, notified once; `key` tells notifications of a type and dataset apart.

    Waiting while neither delivered nor abandoned.
    """

    __table_args__ = (
        sa.CheckConstraint(is_in("type", NOTIFICATION_TYPES), name="type"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint("delivered_at IS NULL OR abandoned_at IS NULL", name="one_outcome"),
        sa.UniqueConstraint("dataset_id", "type", "key", name="uq_notification_key"),
        sa.Index("ix_notification_occurred_at", "occurred_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    type: str = Field(max_length=24)
    key: str = Field(max_length=60)
    occurred_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    delivered_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    abandoned_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Failed deliveries; the next one is tried at `next_attempt_at`."""
    next_attempt_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    failure: str | None = None
    """Why the last delivery failed."""
