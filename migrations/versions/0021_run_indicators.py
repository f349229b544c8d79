"""Indicators of runs: their known values, their worth on the folds, and their contributions to the forecasts."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_indicator",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("indicator_id", sa.String(), nullable=False),
        sa.Column("known_to", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM known_to) = 1", name=op.f("ck_run_indicator_known_to_starts")),
        sa.CheckConstraint("leads >= 0", name=op.f("ck_run_indicator_leads")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_indicator_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["indicator_id"], ["indicator.id"], name=op.f("fk_run_indicator_indicator_id")),
        sa.PrimaryKeyConstraint("run_id", "indicator_id", name=op.f("pk_run_indicator")),
    )
    op.create_table(
        "indicator_evidence",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("indicator_id", sa.String(40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("mae_without", sa.Float(), nullable=True),
        sa.Column("mae_with", sa.Float(), nullable=True),
        sa.Column("p_value", sa.Float(), nullable=True),
        sa.Column("weight", sa.Float(), nullable=True),
        sa.CheckConstraint("n >= 0", name=op.f("ck_indicator_evidence_n")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_indicator_evidence_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_indicator_evidence_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "indicator_id", name=op.f("pk_indicator_evidence")),
    )
    op.create_table(
        "indicator_effect",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("indicator_id", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_indicator_effect_month_starts")),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8",
            name=op.f("ck_indicator_effect_value_is_finite"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_indicator_effect_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_indicator_effect_series_id")),
        sa.ForeignKeyConstraint(["indicator_id"], ["indicator.id"], name=op.f("fk_indicator_effect_indicator_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "indicator_id", "month", name=op.f("pk_indicator_effect")),
    )


def downgrade() -> None:
    for table in ("indicator_effect", "indicator_evidence", "run_indicator"):
        op.drop_table(table)
