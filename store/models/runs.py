"""Forecast runs: their inputs and published results."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in

RUN_STATUSES = ("queued", "running", "published", "unchanged", "failed")


class Run(Table, table=True):
    """One immutable set of forecasts: a dataset, a cutoff, an as_of, a configuration, a seed."""

    __table_args__ = (
        sa.CheckConstraint(is_in("status", RUN_STATUSES), name="status"),
        sa.CheckConstraint(
            "status <> 'published' OR (cutoff IS NOT NULL AND finished_at IS NOT NULL AND data_hash IS NOT NULL)",
            name="published_is_complete",
        ),
        sa.Index("ix_run_dataset_id_status", "dataset_id", "status"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    status: str = "queued"
    as_of: date
    cutoff: date | None = None
    horizon: int
    seed: int
    config: dict[str, Any] = Field(sa_type=JSONB)
    config_hash: str = Field(max_length=64)
    data_hash: str | None = Field(default=None, max_length=64)
    code_version: str
    requested_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    started_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    finished_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    followed_up_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """Time at which the scores, scenarios, alerts and changes that follow publication were stored."""
    failures: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    """Forecasters that failed on a series and their replacement; for a failed run, the reason."""
    vintage_cutoffs: list[date] = Field(default_factory=list, sa_type=ARRAY(sa.Date))
    """Folds that use the data known at their cutoff; the others use revised data."""
    conditional_coverage: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    """Coverage of the monthly backtest by condition and level, over all series."""
    thinned_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """Time at which retention deleted its paths, backtest and inputs; forecasts and scores remain."""
    stage: str | None = None
    done: int = 0
    total: int = 0


class PanelSeries(Table, table=True):
    """The observations of a series that a run used, month by month from `start`, in the dataset's unit.

    NULL is a January combined with its February, which holds both.
    """

    __tablename__ = "panel_series"
    __table_args__ = (sa.CheckConstraint(is_first_of_month("start"), name="month_starts"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    start: date
    values: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class Forecast(Table, table=True):
    """The published mean and median of a month."""

    __table_args__ = (
        sa.CheckConstraint(is_finite("mean") + " AND " + is_finite("median"), name="is_finite"),
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint("step >= 1", name="step"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    step: int
    mean: float
    median: float


class ForecastQuantile(Table, table=True):
    """The published quantiles of a series: a row a probability, ascending, and a column a step."""

    __tablename__ = "forecast_quantile"
    __table_args__ = (
        sa.CheckConstraint("0 < ALL (probabilities) AND 1 > ALL (probabilities)", name="probability"),
        sa.CheckConstraint("array_length(values, 1) = cardinality(probabilities)", name="shape"),
        sa.CheckConstraint(
            "NOT 'NaN' = ANY (values) AND NOT 'Infinity' = ANY (values) AND NOT '-Infinity' = ANY (values)",
            name="is_finite",
        ),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    probabilities: list[float] = Field(sa_type=ARRAY(sa.Float(53)))
    values: list[list[float]] = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))


class ForecastPath(Table, table=True):
    """Joint draws of one series: a row of numbers on a grid (`store/grids.py`) for each step.

    The same draw number means the same future in every series of the run.
    """

    __tablename__ = "forecast_path"
    __table_args__ = (
        sa.CheckConstraint("octet_length(values) = steps * (10 + 2 * draws)", name="shape"),
        sa.CheckConstraint("draws > 0 AND steps > 0", name="not_empty"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    draws: int
    steps: int
    values: bytes = Field(sa_type=BYTEA)


class ForecastWeight(Table, table=True):
    """The share of a forecaster in a series' combination."""

    __tablename__ = "forecast_weight"
    __table_args__ = (sa.CheckConstraint("weight >= 0 AND weight <= 1", name="weight"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    weight: float


class ForecastStatus(Table, table=True):
    """The status of a series that ended, or whose last value is unusual."""

    __tablename__ = "forecast_status"
    __table_args__ = (sa.CheckConstraint("status <> ''", name="status"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    status: str = Field(max_length=120)


class Decomposition(Table, table=True):
    """One component of a series, month by month from `start`; NULL where there is none.

    A trend is in the dataset's unit; season, calendar and rest are factors of the trend, as shares.
    """

    __table_args__ = (
        sa.CheckConstraint(is_in("name", ("trend", "season", "calendar", "rest")), name="name"),
        sa.CheckConstraint(is_first_of_month("start"), name="month_starts"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    name: str = Field(primary_key=True, max_length=16)
    start: date
    values: list[float | None] = Field(sa_type=ARRAY(sa.REAL))


class ForecastChange(Table, table=True):
    """Attribution of the change of a month's mean between two runs; the parts add up to the change."""

    __tablename__ = "forecast_change"
    __table_args__ = (sa.CheckConstraint("run_id <> against_id", name="two_runs"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    against_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    new_figures: float
    revised_figures: float
    indicators: float = 0.0
    published_total: float = 0.0
    reestimation: float


class TotalEffect(Table, table=True):
    """The amount that a total published before its detail added to the forecast of a month, in the dataset's unit."""

    __tablename__ = "total_effect"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(is_finite("value"), name="value_is_finite"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    value: float
