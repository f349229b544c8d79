"""The release calendar: a time of day, releases that come in parts, and how often a source was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and fill them for existing rows."""
    op.add_column("release", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("release", sa.Column("missing", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("release", sa.Column("polls", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("release", sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True))
    for column in ("missing", "polls"):
        op.alter_column("release", column, server_default=None)
    op.create_check_constraint(op.f("ck_release_due_after_month_begins"), "release", "due_on > period")
    op.create_check_constraint(op.f("ck_release_counts"), "release", "missing >= 0 AND polls >= 0")


def downgrade() -> None:
    """Without them."""
    op.drop_constraint(op.f("ck_release_counts"), "release", type_="check")
    op.drop_constraint(op.f("ck_release_due_after_month_begins"), "release", type_="check")
    for column in ("polled_at", "polls", "missing", "due_at"):
        op.drop_column("release", column)
