"""Stored scenarios with their forecasts by run, and adjustments of forecasts by people."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from store.models.base import Table, is_first_of_month


class StoredScenario(Table, table=True):
    """A scenario as it was stated, by whom and why, on the latest run of that day.

    `statement` holds conditions, shocks, report and levels; `ends` is the last month that it speaks about, for a shock
    its first.
    """

    __tablename__ = "scenario"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("ends"), name="month_starts"),
        sa.Index("ix_scenario_dataset_id_ends", "dataset_id", "ends"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    run_id: int = Field(foreign_key="run.id")
    name: str = Field(max_length=120)
    author: str = Field(max_length=120)
    reason: str = Field(max_length=2000)
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    ends: date
    statement: dict[str, Any] = Field(sa_type=JSONB)


class ScenarioForecast(Table, table=True):
    """The forecasts of a run under a scenario, a row for each series and period; `fault` says why there are none."""

    __tablename__ = "scenario_forecast"
    __table_args__ = (sa.CheckConstraint("(fault IS NULL) = (effective_draws IS NOT NULL)", name="forecasts_or_fault"),)

    scenario_id: int = Field(primary_key=True, foreign_key="scenario.id", ondelete="CASCADE")
    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    computed_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    methods: list[str] = Field(sa_type=ARRAY(sa.String()))
    effective_draws: float | None
    distance: float | None
    probability: float | None
    rows: list[dict[str, Any]] = Field(sa_type=JSONB)
    fault: str | None = None


class Adjustment(Table, table=True):
    """A person's change to the forecast of one period, stated on the latest run of that day.

    `statement` is a condition. `expires` is the last day whose runs it applies to, `ends` the last month of its period.
    `statistical` and `judgement` are quantiles of the adjusted quantity before and after it, at the published
    probabilities.
    """

    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("ends"), name="month_starts"),
        sa.CheckConstraint("cardinality(statistical) = cardinality(judgement)", name="same_quantiles"),
        sa.Index("ix_adjustment_dataset_id_ends", "dataset_id", "ends"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    run_id: int = Field(foreign_key="run.id")
    author: str = Field(max_length=120)
    reason: str = Field(max_length=2000)
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    expires: date | None
    withdrawn_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    ends: date
    statement: dict[str, Any] = Field(sa_type=JSONB)
    statistical: list[float] = Field(sa_type=ARRAY(sa.Float(53)))
    judgement: list[float] = Field(sa_type=ARRAY(sa.Float(53)))
