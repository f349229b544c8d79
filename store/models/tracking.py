"""Published and external forecasts scored against outcomes."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in

MEASURES = ("level", "pc1", "balance")
"""Measures of a target: a value, its growth on a year ago in per cent, or exports less imports, kept with exports."""


class Tracking(Table, table=True):
    """Scores of a published forecast against the first print of its month and the latest value.

    `months` is 2 for a combined January-February figure: the forecast is the sum of both, at February.
    `first_level` and `latest_level` are the narrowest stored level whose interval contains the value, NULL if none
    does. `backtest_mae` and `backtest_coverage` (of level 80) are the scores of the run's own backtest.
    """

    __table_args__ = (
        sa.CheckConstraint("months IN (1, 2)", name="months"),
        sa.CheckConstraint("step >= months", name="step"),
        sa.CheckConstraint("first_vintage <= latest_vintage", name="vintages"),
        sa.Index("ix_tracking_series_id_month", "series_id", "month"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    months: int = Field(primary_key=True)
    step: int
    mean: float
    median: float
    first_value: float
    first_vintage: date
    latest_value: float
    latest_vintage: date
    backfilled: bool
    first_level: float | None
    latest_level: float | None
    first_wis: float
    latest_wis: float
    backtest_mae: float | None
    backtest_coverage: float | None


class ExternalForecast(Table, table=True):
    """One statement of an external forecast, in the dataset's unit, or in per cent for growth (`pc1`).

    `output_type` is that of the hubverse: mean, median or quantile; `probability` is 0 for a mean, 0.5 for a median.
    `months` is 2 for January and February in one, at February.
    """

    __tablename__ = "external_forecast"
    __table_args__ = (
        sa.CheckConstraint(is_in("measure", MEASURES), name="measure"),
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint("months = 1 OR EXTRACT(MONTH FROM month) = 2", name="combined_is_february"),
        sa.CheckConstraint("months IN (1, 2)", name="months"),
        sa.CheckConstraint(is_in("output_type", ("mean", "median", "quantile")), name="output_type"),
        sa.CheckConstraint("(output_type = 'mean') = (probability = 0) AND probability < 1", name="probability"),
        sa.CheckConstraint(is_finite("value"), name="is_finite"),
    )

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    model_id: str = Field(primary_key=True, max_length=60)
    reference_date: date = Field(primary_key=True)
    month: date = Field(primary_key=True)
    months: int = Field(primary_key=True)
    measure: str = Field(primary_key=True, max_length=8, default="level")
    output_type: str = Field(primary_key=True, max_length=8)
    probability: float = Field(primary_key=True)
    value: float


class ExternalForecastScore(Table, table=True):
    """Scores of an external forecast and of the published one of the comparable run, on the same target.

    Weighted interval scores are over the probabilities of the external forecast, `quantiles` in number; those on the
    first print are NULL where it is not known. With `backtest`, ours is a fold of the run's backtest, which has no
    intervals of such targets.
    """

    __tablename__ = "external_forecast_score"
    __table_args__ = (sa.CheckConstraint(is_in("measure", MEASURES), name="measure"),)

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    model_id: str = Field(primary_key=True, max_length=60)
    reference_date: date = Field(primary_key=True)
    month: date = Field(primary_key=True)
    months: int = Field(primary_key=True)
    measure: str = Field(primary_key=True, max_length=8, default="level")
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    step: int
    point: float | None
    our_point: float
    first_value: float | None
    latest_value: float
    quantiles: int
    first_wis: float | None
    our_first_wis: float | None
    latest_wis: float
    our_latest_wis: float | None
    backtest: bool = False


class FirstPrint(Table, table=True):
    """A value as first published, where it is known from elsewhere than an observation, such as a growth rate.

    `measure` as in ExternalForecast; `months` is 2 for January and February in one, at February.
    """

    __tablename__ = "first_print"
    __table_args__ = (
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint("months = 1 OR EXTRACT(MONTH FROM month) = 2", name="combined_is_february"),
        sa.CheckConstraint("months IN (1, 2)", name="months"),
        sa.CheckConstraint(is_in("measure", MEASURES), name="measure"),
        sa.CheckConstraint("released > month", name="released_after_month_begins"),
        sa.CheckConstraint(is_finite("value"), name="is_finite"),
    )

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    months: int = Field(primary_key=True)
    measure: str = Field(primary_key=True, max_length=8)
    released: date
    value: float
