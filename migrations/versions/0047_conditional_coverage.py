"""Runs keep the coverage of their backtest by condition."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    empty = sa.text("'[]'")
    op.add_column("run", sa.Column("conditional_coverage", postgresql.JSONB(), nullable=False, server_default=empty))
    op.alter_column("run", "conditional_coverage", server_default=None)


def downgrade() -> None:
    op.drop_column("run", "conditional_coverage")
