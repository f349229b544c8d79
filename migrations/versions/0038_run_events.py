"""Events of runs: those that moved forecasts, the worth of their regressors, the amounts that they added."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_event",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_event_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "event_id", name=op.f("pk_run_event")),
    )
    op.create_table(
        "event_evidence",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("regressor", sa.String(12), nullable=False),
        sa.Column("coefficient", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("mae_without", sa.Float(), nullable=True),
        sa.Column("mae_with", sa.Float(), nullable=True),
        sa.Column("p_value", sa.Float(), nullable=True),
        sa.CheckConstraint("regressor IN ('cost', 'announced', 'closure')", name=op.f("ck_event_evidence_regressor")),
        sa.CheckConstraint("n >= 0", name=op.f("ck_event_evidence_n")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_event_evidence_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "regressor", name=op.f("pk_event_evidence")),
    )
    op.create_table(
        "event_effect",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_event_effect_month_starts")),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8",
            name=op.f("ck_event_effect_value_is_finite"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_event_effect_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_event_effect_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "month", name=op.f("pk_event_effect")),
    )


def downgrade() -> None:
    for table in ("event_effect", "event_evidence", "run_event"):
        op.drop_table(table)
