"""Own regressors of datasets: monthly columns with future values, and their worth and effects in runs."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from store.models.base import Table, is_finite, is_first_of_month, is_in
from store.models.indicators import ANY

CODE = "id ~ '^[A-Z][A-Z0-9_]*$'"


class Regressor(Table, table=True):
    """A column of a dataset that explains series, `*` standing for any flow, partner or sector."""

    __table_args__ = (
        sa.CheckConstraint(CODE, name="id_is_a_code"),
        sa.CheckConstraint(is_in("flow", ("X", "M", ANY)), name="flow"),
    )

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id", ondelete="CASCADE")
    id: str = Field(primary_key=True, max_length=40)
    title: str
    unit: str
    flow: str = Field(max_length=1, default=ANY)
    partner: str = Field(max_length=12, default=ANY)
    sector: str = Field(max_length=24, default=ANY)


class RegressorValue(Table, table=True):
    """A value of a month, past or to come, as it became known on a day. Append-only: a revision has a later day."""

    __tablename__ = "regressor_value"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["dataset_id", "regressor_id"], ["regressor.dataset_id", "regressor.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint(is_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(is_finite("value"), name="value_is_finite"),
    )

    dataset_id: str = Field(primary_key=True)
    regressor_id: str = Field(primary_key=True, max_length=40)
    month: date = Field(primary_key=True)
    known_on: date = Field(primary_key=True)
    value: float


class RegressorEvidence(Table, table=True):
    """The worth of a series' regressors on a run's folds: errors one month ahead without and with them.

    `weight` is the share of the forecaster with regressors in the combination; errors are in the dataset's unit.
    """

    __tablename__ = "regressor_evidence"
    __table_args__ = (sa.CheckConstraint("n >= 0", name="n"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    n: int
    mae_without: float | None
    mae_with: float | None
    p_value: float | None
    weight: float


class RegressorEffect(Table, table=True):
    """The change of the logarithm of a series' forecast for one unit of a regressor, before its weight."""

    __tablename__ = "regressor_effect"
    __table_args__ = (sa.CheckConstraint(is_finite("coefficient"), name="coefficient_is_finite"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    regressor_id: str = Field(primary_key=True, max_length=40)
    coefficient: float
