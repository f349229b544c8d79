"""Backtests of runs: forecasts at each fold, and scores."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from store.models.base import Table, is_first_of_month, is_in


class BacktestForecast(Table, table=True):
    """One forecaster's forecasts of a series at every fold: arrays with a row a fold and a column a step.

    The run's own cutoff is the last fold, without actuals. An actual is NULL for a month not yet observed, a mean at a
    fold without a forecast. `quantiles` holds, for each fold and probability of the run's configuration, the values
    over the steps; NULL for a forecaster without intervals.
    """

    __tablename__ = "backtest_forecast"
    __table_args__ = (
        sa.CheckConstraint(
            "array_length(means, 1) = cardinality(cutoffs) AND array_dims(actuals) = array_dims(means)"
            " AND (quantiles IS NULL OR array_length(quantiles, 1) = cardinality(cutoffs)"
            " AND array_length(quantiles, 3) = array_length(means, 2))",
            name="shape",
        ),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    cutoffs: list[date] = Field(sa_type=ARRAY(sa.Date))
    means: list[list[float | None]] = Field(sa_type=ARRAY(sa.REAL, dimensions=2))
    quantiles: list[list[list[float | None]]] | None = Field(sa_type=ARRAY(sa.REAL, dimensions=3))
    actuals: list[list[float | None]] = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))


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
    means: list[float | None] = Field(sa_type=ARRAY(sa.REAL))
    quantiles: list[list[float | None]] = Field(sa_type=ARRAY(sa.REAL, dimensions=2))
    actuals: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class Score(Table, table=True):
    """A metric of a series and a forecaster over the folds, by level and step; `SCORES_BY_STEP` reads it.

    `kind` is the target: a month, January with February, a quarter or a year, or the growth of one of them.
    `levels` are those of a metric of an interval (coverage), or {0}. `values` and `counts`, the number of forecasts
    scored, have a row a level and a column a step, the first of which pools all steps; a value is NULL if nothing was
    scored.
    """

    __table_args__ = (
        sa.CheckConstraint("0 <= ALL (levels) AND 100 > ALL (levels)", name="level"),
        sa.CheckConstraint("0 <= ALL (counts)", name="n"),
        sa.CheckConstraint(
            "array_dims(values) = array_dims(counts) AND array_length(values, 1) = cardinality(levels)", name="shape"
        ),
        sa.CheckConstraint(
            "NOT 'NaN' = ANY (values) AND NOT 'Infinity' = ANY (values) AND NOT '-Infinity' = ANY (values)",
            name="is_finite",
        ),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    kind: str = Field(primary_key=True, default="month", max_length=16)
    metric: str = Field(primary_key=True, max_length=24)
    levels: list[float] = Field(sa_type=ARRAY(sa.REAL))
    values: list[list[float | None]] = Field(sa_type=ARRAY(sa.REAL, dimensions=2))
    counts: list[list[int]] = Field(sa_type=ARRAY(sa.SmallInteger, dimensions=2))
