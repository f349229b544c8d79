"""Folds of a backtest that use the data known at their cutoff."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs already stored are on revised data throughout."""
    days = postgresql.ARRAY(sa.Date())
    op.add_column("run", sa.Column("vintage_cutoffs", days, nullable=False, server_default="{}"))
    op.alter_column("run", "vintage_cutoffs", server_default=None)


def downgrade() -> None:
    """Without it."""
    op.drop_column("run", "vintage_cutoffs")
