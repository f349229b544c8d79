"""Allow identical runs to be published again after a revision was reverted."""

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
