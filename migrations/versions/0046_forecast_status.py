"""The status of series that ended, or whose last value is unusual."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forecast_status",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(120), nullable=False),
        sa.CheckConstraint("status <> ''", name=op.f("ck_forecast_status_status")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_status_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_status_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", name=op.f("pk_forecast_status")),
    )


def downgrade() -> None:
    op.drop_table("forecast_status")
