"""What moved each forecast from one run to the next."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forecast_change",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("against_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("new_figures", sa.Float(), nullable=False),
        sa.Column("revised_figures", sa.Float(), nullable=False),
        sa.Column("reestimation", sa.Float(), nullable=False),
        sa.CheckConstraint("run_id <> against_id", name=op.f("ck_forecast_change_two_runs")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_change_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["against_id"], ["run.id"], name=op.f("fk_forecast_change_against_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_change_series_id")),
        sa.PrimaryKeyConstraint("run_id", "against_id", "series_id", "month", name=op.f("pk_forecast_change")),
    )


def downgrade() -> None:
    op.drop_table("forecast_change")
