"""Datasets may borrow history from a longer dataset."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dataset", sa.Column("borrows_history", sa.String(40), nullable=True))
    op.create_foreign_key(
        op.f("fk_dataset_borrows_history"), "dataset", "dataset", ["borrows_history"], ["id"], ondelete="SET NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_dataset_borrows_history"), "dataset", type_="foreignkey")
    op.drop_column("dataset", "borrows_history")
