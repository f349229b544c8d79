"""Scores of published forecasts against observations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tracking",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("median", sa.Float(), nullable=False),
        sa.Column("first_value", sa.Float(), nullable=False),
        sa.Column("first_vintage", sa.Date(), nullable=False),
        sa.Column("latest_value", sa.Float(), nullable=False),
        sa.Column("latest_vintage", sa.Date(), nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.Column("first_level", sa.Float(), nullable=True),
        sa.Column("latest_level", sa.Float(), nullable=True),
        sa.Column("first_wis", sa.Float(), nullable=False),
        sa.Column("latest_wis", sa.Float(), nullable=False),
        sa.Column("promised_mae", sa.Float(), nullable=True),
        sa.Column("promised_coverage", sa.Float(), nullable=True),
        sa.CheckConstraint("months IN (1, 2)", name=op.f("ck_tracking_months")),
        sa.CheckConstraint("step >= months", name=op.f("ck_tracking_step")),
        sa.CheckConstraint("first_vintage <= latest_vintage", name=op.f("ck_tracking_vintages")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_tracking_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_tracking_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "month", "months", name=op.f("pk_tracking")),
    )
    op.create_index("ix_tracking_series_id_month", "tracking", ["series_id", "month"])


def downgrade() -> None:
    op.drop_table("tracking")
