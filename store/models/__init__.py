"""The tables. One dialect, PostgreSQL; every rule that can live in the database lives there, by name.

SQLModel does not validate `table=True` classes: values are checked at the boundary (tables, services/queries.py).
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlmodel import Field, SQLModel

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMES

RUN_STATUSES = ("queued", "running", "published", "unchanged", "failed")
FETCH_OUTCOMES = ("new", "unchanged", "failed")
ALERT_KINDS = ("late", "source")
TOTAL_PARTNER, REST_PARTNER, TOTAL_SECTOR = "WLD", "RST", "TOTAL"


def _finite(column: str) -> str:
    return f"{column} > '-Infinity'::float8 AND {column} < 'Infinity'::float8"


def _first_of_month(column: str) -> str:
    return f"EXTRACT(DAY FROM {column}) = 1"


def _in(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Partner(SQLModel, table=True):
    """A country by its ISO 3166-1 alpha-3 code, or a group of countries."""

    code: str = Field(primary_key=True, max_length=12)
    name: str
    is_group: bool = False


class Sector(SQLModel, table=True):
    """TOTAL, an HS or NAICS code, or a named group of goods."""

    code: str = Field(primary_key=True, max_length=24)
    name: str
    classification: str


class Dataset(SQLModel, table=True):
    """One publisher's table: a reporter, a currency and unit, a licence, a release calendar."""

    __table_args__ = (
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name="id_is_a_code"),
        sa.CheckConstraint("release_day BETWEEN 1 AND 28", name="release_day"),
    )

    id: str = Field(primary_key=True, max_length=40)
    title: str
    reporter: str = Field(foreign_key="partner.code")
    currency: str = Field(max_length=3)
    unit: str
    publisher: str
    licence: str
    citation: str
    release_day: int
    derives_rest: bool = False
    """True where partner RST (WLD minus the listed) and sector TOTAL (the sum) are derived from what is published."""


class Membership(SQLModel, table=True):
    """A group of partners and a member of it, whether a dataset lists that or not."""

    group_code: str = Field(primary_key=True, foreign_key="partner.code")
    member_code: str = Field(primary_key=True, foreign_key="partner.code")


class Series(SQLModel, table=True):
    """A dataset x flow x partner x sector."""

    __table_args__ = (
        sa.UniqueConstraint("dataset_id", "flow", "partner", "sector"),
        sa.CheckConstraint(_in("flow", ("X", "M")), name="flow"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    flow: str = Field(max_length=1)
    partner: str = Field(foreign_key="partner.code")
    sector: str = Field(foreign_key="sector.code")

    @property
    def unique_id(self) -> str:
        """The series' name everywhere: `DATASET.FLOW.PARTNER.SECTOR`."""
        return f"{self.dataset_id}.{self.flow}.{self.partner}.{self.sector}"


class Observation(SQLModel, table=True):
    """A value of a month as it became known on a day. Append-only: a revision is a new vintage."""

    __table_args__ = (
        sa.CheckConstraint(_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint(_finite("value"), name="value_is_finite"),
        sa.CheckConstraint("value >= 0", name="value_is_not_negative"),
        sa.CheckConstraint("months IN (1, 2)", name="months"),
        sa.CheckConstraint("months = 1 OR EXTRACT(MONTH FROM month) = 2", name="combined_is_february"),
        sa.CheckConstraint(_in("status", ("A", "P", "I")), name="status"),
        sa.CheckConstraint("vintage > month", name="vintage_after_month"),
    )

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    vintage: date = Field(primary_key=True)
    value: float
    months: int = 1
    status: str = Field(default="A", max_length=1)
    backfilled: bool = False


class Release(SQLModel, table=True):
    """What was published when, and what is due."""

    __table_args__ = (
        sa.CheckConstraint(_first_of_month("period"), name="period_starts"),
        sa.CheckConstraint("due_on > period", name="due_after_month_begins"),
        sa.CheckConstraint("missing >= 0 AND polls >= 0", name="counts"),
    )

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id")
    period: date = Field(primary_key=True)
    due_on: date
    due_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """The moment it is due, where more than the day is known."""
    published_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    missing: int = 0
    """Series that the month before had and this one, though published, has not: a release may come in parts."""
    polls: int = 0
    polled_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    """When its source was last asked, `polls` times in all."""


class SourceAttempt(SQLModel, table=True):
    """A time at which a dataset's source was asked, and what came of it; the dataset may not be there yet."""

    __tablename__ = "source_attempt"
    __table_args__ = (
        sa.CheckConstraint(_in("outcome", FETCH_OUTCOMES), name="outcome"),
        sa.CheckConstraint("(outcome = 'failed') = (reason IS NOT NULL)", name="failure_has_reason"),
        sa.CheckConstraint("(outcome = 'new') = (inserted > 0)", name="new_is_something"),
        sa.Index("ix_source_attempt_dataset_id_started_at", "dataset_id", "started_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(max_length=40)
    source: str = Field(max_length=40)
    started_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    finished_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    outcome: str = Field(max_length=12)
    inserted: int = 0
    reason: str | None = None
    feed_hash: str = Field(max_length=64)
    validators: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """By address, what the provider can be asked with next time, so that an unchanged body is not sent again."""


class Alert(SQLModel, table=True):
    """What an operator should know of a dataset: raised once, cleared once, and told of both."""

    __table_args__ = (
        sa.CheckConstraint(_in("kind", ALERT_KINDS), name="kind"),
        sa.CheckConstraint(_first_of_month("period"), name="period_starts"),
        sa.CheckConstraint("told BETWEEN 0 AND 2 AND attempts >= 0", name="counts"),
        sa.CheckConstraint("cleared_at >= raised_at", name="cleared_after_raised"),
        sa.Index(
            "uq_alert_open",
            "dataset_id",
            "kind",
            "period",
            unique=True,
            postgresql_where=sa.text("cleared_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    kind: str = Field(max_length=16)
    period: date
    """The month that was awaited when it was raised."""
    reason: str
    raised_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    cleared_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    told: int = 0
    """Of its two events, raised and cleared, how many are told."""
    attempts: int = 0
    """How often it was tried in vain to tell the next one, which waits until `next_attempt_at`."""
    next_attempt_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))


class Run(SQLModel, table=True):
    """One immutable set of forecasts: a dataset, a cutoff, an as_of, a configuration, a seed."""

    __table_args__ = (
        sa.CheckConstraint(_in("status", RUN_STATUSES), name="status"),
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
    failures: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    """Forecasters that failed on a series and what stood in; for a failed run, the reason."""
    vintage_cutoffs: list[date] = Field(default_factory=list, sa_type=ARRAY(sa.Date))
    """Folds made on what was known at their cutoff; the others are on revised data."""
    stage: str | None = None
    done: int = 0
    total: int = 0


class PanelSeries(SQLModel, table=True):
    """A series as a run saw it, month by month from `start`, in the dataset's unit.

    NULL is a January published as one figure with its February, which holds both.
    """

    __tablename__ = "panel_series"
    __table_args__ = (sa.CheckConstraint(_first_of_month("start"), name="month_starts"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    start: date
    values: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class Forecast(SQLModel, table=True):
    """The published mean and median of a month."""

    __table_args__ = (
        sa.CheckConstraint(_finite("mean") + " AND " + _finite("median"), name="is_finite"),
        sa.CheckConstraint(_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint("step >= 1", name="step"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    step: int
    mean: float
    median: float


class ForecastQuantile(SQLModel, table=True):
    """The published quantiles of a month."""

    __tablename__ = "forecast_quantile"
    __table_args__ = (
        sa.CheckConstraint("probability > 0 AND probability < 1", name="probability"),
        sa.CheckConstraint(_finite("value"), name="is_finite"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    probability: float = Field(primary_key=True)
    value: float


class ForecastPath(SQLModel, table=True):
    """Joint draws of one series: float32, little-endian, draws x steps, row by row.

    The same draw number means the same future in every series of the run.
    """

    __tablename__ = "forecast_path"
    __table_args__ = (
        sa.CheckConstraint("octet_length(values) = draws * steps * 4", name="shape"),
        sa.CheckConstraint("draws > 0 AND steps > 0", name="not_empty"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    draws: int
    steps: int
    values: bytes = Field(sa_type=BYTEA)


class ForecastWeight(SQLModel, table=True):
    """The share of a forecaster in a series' combination."""

    __tablename__ = "forecast_weight"
    __table_args__ = (sa.CheckConstraint("weight >= 0 AND weight <= 1", name="weight"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    weight: float


class Component(SQLModel, table=True):
    """One part of a series taken apart, month by month from `start`; NULL where there is none.

    A trend is in the dataset's unit; season, calendar and rest are shares of what they multiply.
    """

    __table_args__ = (
        sa.CheckConstraint(_in("name", ("trend", "season", "calendar", "rest")), name="name"),
        sa.CheckConstraint(_first_of_month("start"), name="month_starts"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    name: str = Field(primary_key=True, max_length=16)
    start: date
    values: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class BacktestForecast(SQLModel, table=True):
    """One forecaster's forecast of one fold, its steps as arrays; `actuals` is NULL where the month is yet to come.

    The run's own cutoff is kept too, as the fold whose actuals are all to come. `quantiles` holds, for each
    probability of the run's configuration, the values over the steps; NULL for a forecaster without intervals.
    """

    __tablename__ = "backtest_forecast"
    __table_args__ = (sa.CheckConstraint(_first_of_month("cutoff"), name="cutoff_starts"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    forecaster: str = Field(primary_key=True, max_length=40)
    cutoff: date = Field(primary_key=True)
    means: list[float] = Field(sa_type=ARRAY(sa.Float(53)))
    quantiles: list[list[float]] | None = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))
    actuals: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class BacktestPeriod(SQLModel, table=True):
    """What the combination said at one fold of every period of a kind, as arrays, and what came.

    The first period ends `step` months after the cutoff, the others `every` months apart. `quantiles` holds, for each
    probability of the run's configuration, the values over the periods; an actual is NULL where it is to come.
    """

    __tablename__ = "backtest_period"
    __table_args__ = (
        sa.CheckConstraint(_in("kind", ("jan_feb", "quarter", "year")), name="kind"),
        sa.CheckConstraint(_first_of_month("cutoff"), name="cutoff_starts"),
        sa.CheckConstraint("step >= 1 AND every >= 1", name="steps"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    kind: str = Field(primary_key=True, max_length=16)
    cutoff: date = Field(primary_key=True)
    step: int
    every: int
    means: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))
    quantiles: list[list[float | None]] = Field(sa_type=ARRAY(sa.Float(53), dimensions=2))
    actuals: list[float | None] = Field(sa_type=ARRAY(sa.Float(53)))


class Score(SQLModel, table=True):
    """A metric's value for a series, a forecaster and a step over the folds; step 0 pools all steps.

    `kind` says what was forecast: a month, January with February, a quarter or a year, or the growth of one of them.
    `level` belongs to metrics of an interval (coverage) and is 0 for the others; `n` counts the scored forecasts.
    """

    __table_args__ = (
        sa.CheckConstraint("step >= 0", name="step"),
        sa.CheckConstraint("level >= 0 AND level < 100", name="level"),
        sa.CheckConstraint("n > 0", name="n"),
        sa.CheckConstraint(_finite("value"), name="is_finite"),
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


class Tracking(SQLModel, table=True):
    """A published forecast held against what came: the first print of its month and the latest value.

    `months` is 2 for January and February first published as one figure: the forecast is then the sum of both, at
    February. `first_level` and `latest_level` are the narrowest stored level whose interval holds the value, NULL where
    it lies outside all. `promised_mae` and `promised_coverage` (of level 80) are what the run's own backtest scored.
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
    promised_mae: float | None
    promised_coverage: float | None


class ForecastChange(SQLModel, table=True):
    """What moved the mean of a month from an earlier run's to a run's; the parts add up to the change."""

    __tablename__ = "forecast_change"
    __table_args__ = (sa.CheckConstraint("run_id <> against_id", name="two_runs"),)

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    against_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    series_id: int = Field(primary_key=True, foreign_key="series.id")
    month: date = Field(primary_key=True)
    new_figures: float
    revised_figures: float
    reestimation: float


class OutsideForecast(SQLModel, table=True):
    """One statement of a forecast made by somebody else, before it was known what came, in the dataset's unit.

    `output_type` is that of the hubverse: mean, median or quantile; `probability` is 0 for a mean, 0.5 for a median.
    `months` is 2 for January and February in one, at February.
    """

    __tablename__ = "outside_forecast"
    __table_args__ = (
        sa.CheckConstraint(_first_of_month("month"), name="month_starts"),
        sa.CheckConstraint("months = 1 OR EXTRACT(MONTH FROM month) = 2", name="combined_is_february"),
        sa.CheckConstraint("months IN (1, 2)", name="months"),
        sa.CheckConstraint(_in("output_type", ("mean", "median", "quantile")), name="output_type"),
        sa.CheckConstraint("(output_type = 'mean') = (probability = 0) AND probability < 1", name="probability"),
        sa.CheckConstraint(_finite("value"), name="is_finite"),
    )

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    model_id: str = Field(primary_key=True, max_length=60)
    reference_date: date = Field(primary_key=True)
    month: date = Field(primary_key=True)
    months: int = Field(primary_key=True)
    output_type: str = Field(primary_key=True, max_length=8)
    probability: float = Field(primary_key=True)
    value: float


class OutsideScore(SQLModel, table=True):
    """A forecast from outside and ours, scored on the same target; ours is of the run that knew as much.

    Weighted interval scores are over the probabilities that the forecast from outside names, `quantiles` in number.
    """

    __tablename__ = "outside_score"

    series_id: int = Field(primary_key=True, foreign_key="series.id")
    model_id: str = Field(primary_key=True, max_length=60)
    reference_date: date = Field(primary_key=True)
    month: date = Field(primary_key=True)
    months: int = Field(primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    step: int
    point: float | None
    our_point: float
    first_value: float
    latest_value: float
    quantiles: int
    first_wis: float
    our_first_wis: float
    latest_wis: float
    our_latest_wis: float


class ApiKey(SQLModel, table=True):
    """A key that may write (or read, where reading is closed). Only its hash is kept."""

    __tablename__ = "api_key"
    __table_args__ = (sa.UniqueConstraint("prefix"), sa.UniqueConstraint("name"))

    id: int | None = Field(default=None, primary_key=True)
    name: str
    prefix: str = Field(max_length=12)
    hash: str = Field(max_length=64)
    scopes: list[str] = Field(sa_type=ARRAY(sa.String(16)))
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    last_used_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))


class SignIn(SQLModel, table=True):
    """A browser that somebody signed in at with an API key. Only the hash of its token is kept."""

    __tablename__ = "sign_in"

    token_hash: str = Field(primary_key=True, max_length=64)
    key_id: int = Field(foreign_key="api_key.id", ondelete="CASCADE")
    expires_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
