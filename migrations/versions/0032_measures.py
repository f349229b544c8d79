"""Sectors say what contains them, and whether they are the quantity of another sector."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("contained_in", "quantity_of"):
        op.add_column("sector", sa.Column(name, sa.String(24), nullable=True))
        op.create_foreign_key(op.f(f"fk_sector_{name}"), "sector", "sector", [name], ["code"])
    op.add_column("sector", sa.Column("unit", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_sector_quantity_has_a_unit"), "sector", "(quantity_of IS NULL) = (unit IS NULL)"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_sector_quantity_has_a_unit"), "sector", type_="check")
    for name in ("contained_in", "quantity_of"):
        op.drop_constraint(op.f(f"fk_sector_{name}"), "sector", type_="foreignkey")
    for name in ("unit", "quantity_of", "contained_in"):
        op.drop_column("sector", name)
