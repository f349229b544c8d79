"""Forecasts of quarters, years, and January with February at each fold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row a series, kind and fold."""
    op.create_table(
        "backtest_period",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("means", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.Column("quantiles", postgresql.ARRAY(sa.Float(53), dimensions=2), nullable=False),
        sa.Column("actuals", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.CheckConstraint("kind IN ('jan_feb', 'quarter', 'year')", name=op.f("ck_backtest_period_kind")),
        sa.CheckConstraint("EXTRACT(DAY FROM cutoff) = 1", name=op.f("ck_backtest_period_cutoff_starts")),
        sa.CheckConstraint("step >= 1 AND every >= 1", name=op.f("ck_backtest_period_steps")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_backtest_period_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_backtest_period_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "kind", "cutoff", name=op.f("pk_backtest_period")),
    )


def downgrade() -> None:
    """Months only."""
    op.drop_table("backtest_period")
