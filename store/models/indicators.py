"""Indicators, their links to series, and their effects in runs."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in

INDICATOR_KINDS = ("amount", "index")
ANY = "*"
"""Any flow, partner or sector of a dataset."""


class Indicator(Table, table=True):
    """A monthly series from elsewhere, and the rule that says when a month of it is public.

    `kind` is `amount` (positive, with a season, compared in logarithms) or `index` (seasonally adjusted, compared by
    differences). `country` is whose calendar moves it. A month is public `lag_days` after its last day where an
    observation names no day.
    """

    __table_args__ = (
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name="id_is_a_code"),
        sa.CheckConstraint(is_in("kind", INDICATOR_KINDS), name="kind"),
        sa.CheckConstraint("lag_days BETWEEN 0 AND 90", name="lag_days"),
    )

    id: str = Field(primary_key=True, max_length=40)
    title: str
    kind: str = Field(max_length=8)
    unit: str
    country: str = Field(foreign_key="partner.code")
    publisher: str
    licence: str
    citation: str
    lag_days: int


class IndicatorObservation(Table, table=True):
    """An indicator's value of a month as it became public on a day. Append-only: a revision has a later day.

    `backfilled` marks a revised value in place of a first print that was not kept.
    """

    __tablename__ = "indicator_observation"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(is_finite("value"), name="value_is_finite"),
        sa.CheckConstraint("known_on > month", name="known_after_month_begins"),
    )

    indicator_id: str = Field(primary_key=True, foreign_key="indicator.id", ondelete="CASCADE")
    month: date = Field(primary_key=True)
    known_on: date = Field(primary_key=True)
    value: float
    backfilled: bool = False


class IndicatorUse(Table, table=True):
    """An indicator that may inform series of a dataset; `*` stands for any flow, partner or sector."""

    __tablename__ = "indicator_use"
    __table_args__ = (sa.CheckConstraint(is_in("flow", ("X", "M", ANY)), name="flow"),)

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id", ondelete="CASCADE")
    indicator_id: str = Field(primary_key=True, foreign_key="indicator.id", ondelete="CASCADE")
    flow: str = Field(primary_key=True, max_length=1, default=ANY)
    partner: str = Field(primary_key=True, max_length=12, default=ANY)
    sector: str = Field(primary_key=True, max_length=24, default=ANY)


class IndicatorRelease(Table, table=True):
    """A month of an indicator's release calendar: its due date, its publication, and the polls of its source."""

    __tablename__ = "indicator_release"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("period"), name="period_starts"),
        sa.CheckConstraint("due_on > period", name="due_after_month_begins"),
        sa.CheckConstraint("polls >= 0", name="polls"),
    )

    indicator_id: str = Field(primary_key=True, foreign_key="indicator.id", ondelete="CASCADE")
    period: date = Field(primary_key=True)
    due_on: date
    due_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """The moment it is due, where more than the day is known."""
    published_on: date | None = None
    polls: int = 0
    polled_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """When its source was last asked, `polls` times in all."""


class RunIndicator(Table, table=True):
    """An indicator as a run knew it: its last month, the day that was public, and the months beyond the run's cutoff.

    `leads` is 0 where no forecast was adjusted for it.
    """

    __tablename__ = "run_indicator"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("known_to"), name="known_to_starts"),
        sa.CheckConstraint("leads >= 0", name="leads"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    indicator_id: str = Field(primary_key=True, foreign_key="indicator.id")
    known_to: date
    known_on: date
    leads: int


class IndicatorEvidence(Table, table=True):
    """The worth of an indicator for a series on a run's folds: errors of the first step with and without it.

    `indicator_id` is `*` for all indicators of the series together. `weight` is the effect, in per cent, of a surprise
    of one robust deviation; errors are in the dataset's unit, NULL where no fold could be scored.
    """

    __tablename__ = "indicator_evidence"
    __table_args__ = (sa.CheckConstraint("n >= 0", name="n"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    indicator_id: str = Field(primary_key=True, max_length=40)
    n: int
    mae_without: float | None
    mae_with: float | None
    p_value: float | None
    weight: float | None


class IndicatorEffect(Table, table=True):
    """Contribution of an indicator to the forecast of a month, in the dataset's unit, before reconciliation."""

    __tablename__ = "indicator_effect"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(is_finite("value"), name="value_is_finite"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    indicator_id: str = Field(primary_key=True, foreign_key="indicator.id")
    month: date = Field(primary_key=True)
    value: float
