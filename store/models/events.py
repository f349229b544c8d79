"""Dated events that move trade: tariffs, truces, closures, rebates."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in
from store.models.indicators import ANY

EVENT_REGRESSORS = ("cost", "announced", "closure")
EVENT_KINDS = ("tariff", "truce", "closure", "rebate", "control", "other")


class Event(Table, table=True):
    """An event: the day it became known, the days it applies to, its scope, and the rate that it sets.

    `until` is its last day, known on `until_known_on`, or with the announcement where that is NULL. The scope is
    the trade of `reporter` in `flow` (`*` for both) with any of `partners` in any of `sectors`; an empty list means
    all. `share` is the part of that trade that the event covers, NULL for all of it. Events of one `measure` set its
    rate one after another, in per cent.
    """

    __table_args__ = (
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name="id_is_a_code"),
        sa.CheckConstraint(is_in("kind", EVENT_KINDS), name="kind"),
        sa.CheckConstraint(is_in("flow", ("X", "M", ANY)), name="flow"),
        sa.CheckConstraint("effective >= announced", name="effective_after_announcement"),
        sa.CheckConstraint("until > effective", name="until_after_effective"),
        sa.CheckConstraint(
            "until_known_on IS NULL OR until_known_on >= announced AND until IS NOT NULL", name="until_known_on"
        ),
        sa.CheckConstraint("share > 0 AND share <= 1", name="share"),
        sa.CheckConstraint("(rate_before IS NULL) = (rate_after IS NULL)", name="rates"),
        sa.CheckConstraint("rate_before BETWEEN 0 AND 1000 AND rate_after BETWEEN 0 AND 1000", name="rates_in_range"),
    )

    id: str = Field(primary_key=True, max_length=60)
    kind: str = Field(max_length=8)
    title: str
    measure: str = Field(max_length=60)
    announced: date
    effective: date
    until: date | None
    until_known_on: date | None
    authority: str
    reporter: str = Field(foreign_key="partner.code")
    flow: str = Field(max_length=1)
    partners: list[str] = Field(sa_type=ARRAY(sa.String(12)))
    sectors: list[str] = Field(sa_type=ARRAY(sa.String(24)))
    share: float | None
    rate_before: float | None
    rate_after: float | None
    source: str
    note: str


class RunEvent(Table, table=True):
    """An event that moved the forecasts of a run."""

    __tablename__ = "run_event"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    event_id: str = Field(primary_key=True, max_length=60)


class EventEvidence(Table, table=True):
    """The worth of a regressor of events on a run's folds, over forecasts in which it changes.

    `coefficient` is an elasticity, zero where the folds do not support an effect; errors are in the dataset's unit,
    NULL where no such forecast could be scored.
    """

    __tablename__ = "event_evidence"
    __table_args__ = (
        sa.CheckConstraint(is_in("regressor", EVENT_REGRESSORS), name="regressor"),
        sa.CheckConstraint("n >= 0", name="n"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    regressor: str = Field(primary_key=True, max_length=12)
    coefficient: float
    n: int
    mae_without: float | None
    mae_with: float | None
    p_value: float | None


class EventEffect(Table, table=True):
    """The amount that events added to the forecast of a month, in the dataset's unit, before reconciliation."""

    __tablename__ = "event_effect"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(is_finite("value"), name="value_is_finite"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    value: float
