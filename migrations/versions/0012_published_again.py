"""The same figures may be published again: what readers see is the latest run, whatever was said before it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("uq_run_published", table_name="run")


def downgrade() -> None:
    """Refused where the same was published twice since."""
    op.create_index(
        "uq_run_published",
        "run",
        ["dataset_id", "data_hash", "config_hash", "code_version"],
        unique=True,
        postgresql_where=sa.text("status = 'published'"),
    )
