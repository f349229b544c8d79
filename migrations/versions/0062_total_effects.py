"""The effect of published totals on forecasts, and its part in a forecast's change."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """In changes that are stored already the part is contained in re-estimation."""
    op.create_table(
        "total_effect",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_total_effect_month_starts")),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8", name=op.f("ck_total_effect_value_is_finite")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_total_effect_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_total_effect_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "month", name=op.f("pk_total_effect")),
    )
    op.add_column("forecast_change", sa.Column("published_total", sa.Float(), nullable=False, server_default="0"))
    op.alter_column("forecast_change", "published_total", server_default=None)


def downgrade() -> None:
    """Adds the part to re-estimation, so that the parts still sum to the change."""
    op.execute("UPDATE forecast_change SET reestimation = reestimation + published_total")
    op.drop_column("forecast_change", "published_total")
    op.drop_table("total_effect")
