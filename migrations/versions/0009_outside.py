"""Forecasts that others made, and how they did beside ours."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_forecast",
        *_target(),
        sa.Column("output_type", sa.String(8), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_outside_forecast_month_starts")),
        sa.CheckConstraint(
            "months = 1 OR EXTRACT(MONTH FROM month) = 2", name=op.f("ck_outside_forecast_combined_is_february")
        ),
        sa.CheckConstraint("months IN (1, 2)", name=op.f("ck_outside_forecast_months")),
        sa.CheckConstraint(
            "output_type IN ('mean', 'median', 'quantile')", name=op.f("ck_outside_forecast_output_type")
        ),
        sa.CheckConstraint(
            "(output_type = 'mean') = (probability = 0) AND probability < 1",
            name=op.f("ck_outside_forecast_probability"),
        ),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8", name=op.f("ck_outside_forecast_is_finite")
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_outside_forecast_series_id")),
        sa.PrimaryKeyConstraint(
            *("series_id", "model_id", "reference_date", "month", "months", "output_type", "probability"),
            name=op.f("pk_outside_forecast"),
        ),
    )
    op.create_table(
        "outside_score",
        *_target(),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("point", sa.Float(), nullable=True),
        sa.Column("our_point", sa.Float(), nullable=False),
        sa.Column("first_value", sa.Float(), nullable=False),
        sa.Column("latest_value", sa.Float(), nullable=False),
        sa.Column("quantiles", sa.Integer(), nullable=False),
        sa.Column("first_wis", sa.Float(), nullable=False),
        sa.Column("our_first_wis", sa.Float(), nullable=False),
        sa.Column("latest_wis", sa.Float(), nullable=False),
        sa.Column("our_latest_wis", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_outside_score_series_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_outside_score_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(
            *("series_id", "model_id", "reference_date", "month", "months"), name=op.f("pk_outside_score")
        ),
    )


def downgrade() -> None:
    op.drop_table("outside_score")
    op.drop_table("outside_forecast")


def _target() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(60), nullable=False),
        sa.Column("reference_date", sa.Date(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
    )
