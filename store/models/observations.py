"""Observed values by vintage."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in


class Observation(Table, table=True):
    """A value of a month as it became known on a day. Append-only: a revision is a new vintage."""

    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(is_finite("value"), name="value_is_finite"),
        sa.CheckConstraint("months IN (1, 2)", name="months"),
        sa.CheckConstraint("months = 1 OR EXTRACT(MONTH FROM month) = 2", name="combined_is_february"),
        sa.CheckConstraint(is_in("status", ("A", "P", "I")), name="status"),
        sa.CheckConstraint("vintage > month", name="vintage_after_month"),
    )

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    vintage: date = Field(primary_key=True)
    value: float
    months: int = 1
    status: str = Field(default="A", max_length=1)
    backfilled: bool = False
