"""Backtests of runs: forecasts at each fold, and scores."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlmodel import Field

from store.models.base import Table, is_in


class BacktestForecast(Table, table=True):
    """Forecasts of the months of a series at every fold, and their actuals: a row a fold and a column a step.

    The run's own cutoff is the last fold, without actuals; an actual is NULL for a month not yet observed. `means` are
    rows on grids (`store/grids.py`): those of the first of `forecasters` at all folds, then those of the next, with all
    numbers missing at a fold without a forecast. `quantiles` are such rows of the forecasters `with_quantiles`, each
    with the steps of every probability of the run's configuration.
    """

    __tablename__ = "backtest_forecast"
    __table_args__ = (
        sa.CheckConstraint(
            "array_length(actuals, 1) = cardinality(cutoffs) AND octet_length(means) = "
            "json_array_length(forecasters) * cardinality(cutoffs) * (10 + 2 * array_length(actuals, 2))",
            name="shape",
        ),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    cutoffs: list[date] = Field(sa_type=ARRAY(sa.Date))
    actuals: list[list[float | None]] = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))
    forecasters: list[str] = Field(sa_type=sa.JSON)
    with_quantiles: list[str] = Field(sa_type=sa.JSON)
    means: bytes = Field(sa_type=BYTEA)
    quantiles: bytes = Field(sa_type=BYTEA)


class BacktestPeriod(Table, table=True):
    """Forecasts of the combination for all periods of a kind at every fold, and their actuals.

    The first of a fold's periods ends `steps` months after its cutoff, the others `spacing` months apart; a fold has
    `lengths` of them, and missing numbers beyond. `means` and `quantiles` are rows on grids (`store/grids.py`), one a
    fold, the latter with the periods of each probability of the run's configuration; an actual is NULL if not yet
    observed.
    """

    __tablename__ = "backtest_period"
    __table_args__ = (
        sa.CheckConstraint(is_in("kind", ("jan_feb", "quarter", "year")), name="kind"),
        sa.CheckConstraint("1 <= ALL (steps) AND 1 <= ALL (lengths) AND spacing >= 1", name="steps"),
        sa.CheckConstraint(
            "cardinality(steps) = cardinality(cutoffs) AND cardinality(lengths) = cardinality(cutoffs)"
            " AND array_length(actuals, 1) = cardinality(cutoffs)",
            name="shape",
        ),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    kind: str = Field(primary_key=True, max_length=16)
    cutoffs: list[date] = Field(sa_type=ARRAY(sa.Date))
    steps: list[int] = Field(sa_type=ARRAY(sa.SmallInteger))
    lengths: list[int] = Field(sa_type=ARRAY(sa.SmallInteger))
    spacing: int
    means: bytes = Field(sa_type=BYTEA)
    quantiles: bytes = Field(sa_type=BYTEA)
    actuals: list[list[float | None]] = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))


class Score(Table, table=True):
    """The scores of a series over the folds, of every forecaster, kind of period and metric.

    `entries` has the levels by metric, by kind, by forecaster. The kind is the target: a month, January with February,
    a quarter or a year, or the growth of one of them; the levels are those of a metric of an interval (coverage), or 0.
    `values`, rows on grids (`store/grids.py`), and `counts`, the number of forecasts scored as little-endian integers
    of 16 bits, have a row a level and a number a step, the first of which pools all steps; a value is missing if
    nothing was scored.
    """

    __table_args__ = (
        sa.CheckConstraint(
            "octet_length(values) > octet_length(counts) AND (octet_length(values) - octet_length(counts)) % 10 = 0",
            name="shape",
        ),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    entries: dict[str, dict[str, dict[str, list[float]]]] = Field(sa_type=sa.JSON)
    values: bytes = Field(sa_type=BYTEA)
    counts: bytes = Field(sa_type=BYTEA)
