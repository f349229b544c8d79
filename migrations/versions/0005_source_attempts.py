"""Attempts at fetching a dataset from its source."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(40), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("feed_hash", sa.String(64), nullable=False),
        sa.Column("validators", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("outcome IN ('new', 'unchanged', 'failed')", name=op.f("ck_source_attempt_outcome")),
        sa.CheckConstraint(
            "(outcome = 'failed') = (reason IS NOT NULL)", name=op.f("ck_source_attempt_failure_has_reason")
        ),
        sa.CheckConstraint("(outcome = 'new') = (inserted > 0)", name=op.f("ck_source_attempt_new_is_something")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_attempt")),
    )
    op.create_index("ix_source_attempt_dataset_id_started_at", "source_attempt", ["dataset_id", "started_at"])


def downgrade() -> None:
    op.drop_table("source_attempt")
