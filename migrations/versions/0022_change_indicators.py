"""The part of a forecast's change that is due to indicators."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes that are stored already had no indicators."""
    op.add_column("forecast_change", sa.Column("indicators", sa.Float(), nullable=False, server_default="0"))
    op.alter_column("forecast_change", "indicators", server_default=None)


def downgrade() -> None:
    """Adds the part to re-estimation, so that the parts still sum to the change."""
    op.execute("UPDATE forecast_change SET reestimation = reestimation + indicators")
    op.drop_column("forecast_change", "indicators")
