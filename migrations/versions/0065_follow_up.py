"""The time at which the work after a run's publication ended."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Existing runs count as followed up: whether one was interrupted is not known."""
    op.add_column("run", sa.Column("followed_up_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE run SET followed_up_at = finished_at WHERE status = 'published'")


def downgrade() -> None:
    op.drop_column("run", "followed_up_at")
