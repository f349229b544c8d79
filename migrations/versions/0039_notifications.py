"""Notifications for readers and their delivery state."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039"
down_revision = "0034"
branch_labels = None
depends_on = None

TYPES = "'run.published', 'figures.arrived', 'forecast.surprised', 'release.late'"


def upgrade() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(24), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("abandoned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.CheckConstraint(f"type IN ({TYPES})", name=op.f("ck_notification_type")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_notification_attempts")),
        sa.CheckConstraint("delivered_at IS NULL OR abandoned_at IS NULL", name=op.f("ck_notification_one_outcome")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_notification_dataset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("dataset_id", "type", "key", name="uq_notification_key"),
    )
    op.create_index("ix_notification_occurred_at", "notification", ["occurred_at"])


def downgrade() -> None:
    op.drop_index("ix_notification_occurred_at", table_name="notification")
    op.drop_table("notification")
