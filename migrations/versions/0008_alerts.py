"""Alerts: late releases and failing sources, and their delivery state."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table, and one open alert at most for each event."""
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('late', 'source')", name=op.f("ck_alert_kind")),
        sa.CheckConstraint("EXTRACT(DAY FROM period) = 1", name=op.f("ck_alert_period_starts")),
        sa.CheckConstraint("told BETWEEN 0 AND 2 AND attempts >= 0", name=op.f("ck_alert_counts")),
        sa.CheckConstraint("cleared_at >= raised_at", name=op.f("ck_alert_cleared_after_raised")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_alert_dataset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["dataset_id", "kind", "period"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_index("uq_alert_open", table_name="alert")
    op.drop_table("alert")
