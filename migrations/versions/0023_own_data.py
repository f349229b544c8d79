"""Datasets whose total of the world is the sum of their partners, and datasets whose values may be negative."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A negative value is refused by the dataset that it is appended to, no longer by the table."""
    for name in ("derives_total", "allows_negative"):
        op.add_column("dataset", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
        op.alter_column("dataset", name, server_default=None)
    op.drop_constraint("ck_observation_value_is_not_negative", "observation")


def downgrade() -> None:
    """Negative values stay as they are; new ones are refused again."""
    op.execute(
        "ALTER TABLE observation ADD CONSTRAINT ck_observation_value_is_not_negative CHECK (value >= 0) NOT VALID"
    )
    op.drop_column("dataset", "allows_negative")
    op.drop_column("dataset", "derives_total")
