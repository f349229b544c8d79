"""Runs that retention has thinned."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No stored run is thinned yet."""
    op.add_column("run", sa.Column("thinned_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """The deleted rows of thinned runs are not restored."""
    op.drop_column("run", "thinned_at")
