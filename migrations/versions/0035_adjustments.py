"""Adjustments of forecasts by people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0035"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("statement", JSONB(), nullable=False),
        sa.Column("statistical", ARRAY(sa.Float(53)), nullable=False),
        sa.Column("judgement", ARRAY(sa.Float(53)), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM ends) = 1", name=op.f("ck_adjustment_month_starts")),
        sa.CheckConstraint(
            "cardinality(statistical) = cardinality(judgement)", name=op.f("ck_adjustment_same_quantiles")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_adjustment_dataset_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_adjustment_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
    )
    op.create_index("ix_adjustment_dataset_id_ends", "adjustment", ["dataset_id", "ends"])


def downgrade() -> None:
    op.drop_table("adjustment")
