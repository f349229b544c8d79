"""Backtests of runs: forecasts at each fold, and scores."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in


class BacktestForecast(Table, table=True):
    """One forecaster's forecast of one fold, its steps as arrays; `actuals` is NULL for months not yet observed.

    The run's own cutoff is stored too, as a fold without actuals. `quantiles` holds, for each
    probability of the run's configuration, the values over the steps; NULL for a forecaster without intervals.
    """

    __tablename__ = "backtest_forecast"
    __table_args__ = (sa.CheckConstraint(is_first_of_month("cutoff"), name="cutoff_starts"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    cutoff: date = Field(primary_key=True)
    means: list[float] = Field(sa_type=ARRAY(sa.Float(53)))
    quantiles: list[list[float]] | None = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))
    actuals: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class BacktestPeriod(Table, table=True):
    """Forecasts of the combination at one fold for all periods of a kind, as arrays, and their actuals.

    The first period ends `step` months after the cutoff, the others `every` months apart. `quantiles` holds, for each
    probability of the run's configuration, the values over the periods; an actual is NULL if not yet observed.
    """

    __tablename__ = "backtest_period"
    __table_args__ = (
        sa.CheckConstraint(is_in("kind", ("jan_feb", "quarter", "year")), name="kind"),
        sa.CheckConstraint(is_first_of_month("cutoff"), name="cutoff_starts"),
        sa.CheckConstraint("step >= 1 AND spacing >= 1", name="steps"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    kind: str = Field(primary_key=True, max_length=16)
    cutoff: date = Field(primary_key=True)
    step: int
    spacing: int
    means: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))
    quantiles: list[list[float | None]] = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))
    actuals: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class Score(Table, table=True):
    """A metric's value for a series, a forecaster and a step over the folds; step 0 pools all steps.

    `kind` is the target: a month, January with February, a quarter or a year, or the growth of one of them.
    `level` belongs to metrics of an interval (coverage) and is 0 for the others; `n` counts the scored forecasts.
    """

    __table_args__ = (
        sa.CheckConstraint("step >= 0", name="step"),
        sa.CheckConstraint("level >= 0 AND level < 100", name="level"),
        sa.CheckConstraint("n > 0", name="n"),
        sa.CheckConstraint(is_finite("value"), name="is_finite"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    step: int = Field(primary_key=True)
    kind: str = Field(primary_key=True, default="month", max_length=16)
    metric: str = Field(primary_key=True, max_length=24)
    level: float = Field(primary_key=True, default=0.0)
    value: float
    n: int
