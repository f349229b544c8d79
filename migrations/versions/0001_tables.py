"""The tables: datasets and their observations, runs and their forecasts, keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "partner",
    "sector",
    "dataset",
    "membership",
    "series",
    "observation",
    "release",
    "run",
    "forecast",
    "forecast_quantile",
    "forecast_path",
    "forecast_weight",
    "backtest_forecast",
    "score",
    "api_key",
)


def _finite(column: str) -> str:
    """NaN sorts above infinity in PostgreSQL, so this refuses it too."""
    return f"{column} > '-Infinity'::float8 AND {column} < 'Infinity'::float8"


def upgrade() -> None:
    _create_published()
    _create_runs()
    _create_record()
    _create_keys()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_published() -> None:
    """Datasets, their series and observations."""
    op.create_table(
        "partner",
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_partner")),
    )
    op.create_table(
        "sector",
        sa.Column("code", sa.String(24), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("classification", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_sector")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("reporter", sa.String(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("release_day", sa.Integer(), nullable=False),
        sa.Column("derives_rest", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name=op.f("ck_dataset_id_is_a_code")),
        sa.CheckConstraint("release_day BETWEEN 1 AND 28", name=op.f("ck_dataset_release_day")),
        sa.ForeignKeyConstraint(["reporter"], ["partner.code"], name=op.f("fk_dataset_reporter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    op.create_table(
        "membership",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("group_code", sa.String(), nullable=False),
        sa.Column("member_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_membership_dataset_id")),
        sa.ForeignKeyConstraint(["group_code"], ["partner.code"], name=op.f("fk_membership_group_code")),
        sa.ForeignKeyConstraint(["member_code"], ["partner.code"], name=op.f("fk_membership_member_code")),
        sa.PrimaryKeyConstraint("dataset_id", "group_code", "member_code", name=op.f("pk_membership")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("flow", sa.String(1), nullable=False),
        sa.Column("partner", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.CheckConstraint("flow IN ('X', 'M')", name=op.f("ck_series_flow")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_series_dataset_id")),
        sa.ForeignKeyConstraint(["partner"], ["partner.code"], name=op.f("fk_series_partner")),
        sa.ForeignKeyConstraint(["sector"], ["sector.code"], name=op.f("fk_series_sector")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint(
            "dataset_id", "flow", "partner", "sector", name=op.f("uq_series_dataset_id_flow_partner_sector")
        ),
    )
    op.create_table(
        "observation",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("vintage", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(1), nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("status IN ('A', 'P', 'I')", name=op.f("ck_observation_status")),
        sa.CheckConstraint(_finite("value"), name=op.f("ck_observation_value_is_finite")),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_observation_month_starts")),
        sa.CheckConstraint(
            "months = 1 OR EXTRACT(MONTH FROM month) = 2", name=op.f("ck_observation_combined_is_february")
        ),
        sa.CheckConstraint("months IN (1, 2)", name=op.f("ck_observation_months")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_observation_value_is_not_negative")),
        sa.CheckConstraint("vintage > month", name=op.f("ck_observation_vintage_after_month")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_observation_series_id")),
        sa.PrimaryKeyConstraint("series_id", "month", "vintage", name=op.f("pk_observation")),
    )
    op.create_table(
        "release",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("EXTRACT(DAY FROM period) = 1", name=op.f("ck_release_period_starts")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_release_dataset_id")),
        sa.PrimaryKeyConstraint("dataset_id", "period", name=op.f("pk_release")),
    )


def _create_runs() -> None:
    """Runs and their forecasts."""
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=True),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("config", postgresql.JSONB(), nullable=False),
        sa.Column("config_hash", sa.String(64), nullable=False),
        sa.Column("data_hash", sa.String(64), nullable=True),
        sa.Column("code_version", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", postgresql.JSONB(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status <> 'published' OR (cutoff IS NOT NULL AND finished_at IS NOT NULL AND data_hash IS NOT NULL)",
            name=op.f("ck_run_published_is_complete"),
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'published', 'unchanged', 'failed')", name=op.f("ck_run_status")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_run_dataset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_dataset_id_status", "run", ["dataset_id", "status"], unique=False)
    op.create_index(
        "uq_run_published",
        "run",
        ["dataset_id", "data_hash", "config_hash", "code_version"],
        unique=True,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_table(
        "forecast",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("median", sa.Float(), nullable=False),
        sa.CheckConstraint(_finite("mean") + " AND " + _finite("median"), name=op.f("ck_forecast_is_finite")),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_forecast_month_starts")),
        sa.CheckConstraint("step >= 1", name=op.f("ck_forecast_step")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "month", name=op.f("pk_forecast")),
    )
    op.create_table(
        "forecast_quantile",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint(_finite("value"), name=op.f("ck_forecast_quantile_is_finite")),
        sa.CheckConstraint("probability > 0 AND probability < 1", name=op.f("ck_forecast_quantile_probability")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_quantile_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_quantile_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "month", "probability", name=op.f("pk_forecast_quantile")),
    )
    op.create_table(
        "forecast_path",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("draws", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("values", postgresql.BYTEA(), nullable=False),
        sa.CheckConstraint("draws > 0 AND steps > 0", name=op.f("ck_forecast_path_not_empty")),
        sa.CheckConstraint("octet_length(values) = draws * steps * 4", name=op.f("ck_forecast_path_shape")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_path_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_path_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", name=op.f("pk_forecast_path")),
    )
    op.create_table(
        "forecast_weight",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("forecaster", sa.String(40), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.CheckConstraint("weight >= 0 AND weight <= 1", name=op.f("ck_forecast_weight_weight")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_weight_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_weight_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "forecaster", name=op.f("pk_forecast_weight")),
    )


def _create_record() -> None:
    """How often they were right."""
    op.create_table(
        "backtest_forecast",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("forecaster", sa.String(40), nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("means", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.Column("quantiles", postgresql.ARRAY(sa.Float(53), dimensions=2), nullable=True),
        sa.Column("actuals", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM cutoff) = 1", name=op.f("ck_backtest_forecast_cutoff_starts")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_backtest_forecast_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_backtest_forecast_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "forecaster", "cutoff", name=op.f("pk_backtest_forecast")),
    )
    op.create_table(
        "score",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("forecaster", sa.String(40), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("metric", sa.String(24), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint(_finite("value"), name=op.f("ck_score_is_finite")),
        sa.CheckConstraint("level >= 0 AND level < 100", name=op.f("ck_score_level")),
        sa.CheckConstraint("n > 0", name=op.f("ck_score_n")),
        sa.CheckConstraint("step >= 0", name=op.f("ck_score_step")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_score_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_score_series_id")),
        sa.PrimaryKeyConstraint(
            "run_id", "series_id", "forecaster", "step", "kind", "metric", "level", name=op.f("pk_score")
        ),
    )


def _create_keys() -> None:
    """Who may write."""
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=16)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
    )
