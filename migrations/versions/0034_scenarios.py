"""Stored scenarios and their forecasts by run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0034"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenario",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("statement", JSONB(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM ends) = 1", name=op.f("ck_scenario_month_starts")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_scenario_dataset_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_scenario_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
    )
    op.create_index("ix_scenario_dataset_id_ends", "scenario", ["dataset_id", "ends"])
    op.create_table(
        "scenario_forecast",
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("methods", ARRAY(sa.String()), nullable=False),
        sa.Column("effective_draws", sa.Float(), nullable=True),
        sa.Column("distance", sa.Float(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("rows", JSONB(), nullable=False),
        sa.Column("fault", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(fault IS NULL) = (effective_draws IS NOT NULL)", name=op.f("ck_scenario_forecast_forecasts_or_fault")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_scenario_forecast_scenario_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_scenario_forecast_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scenario_id", "run_id", name=op.f("pk_scenario_forecast")),
    )


def downgrade() -> None:
    op.drop_table("scenario_forecast")
    op.drop_table("scenario")
