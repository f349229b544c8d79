"""Store group membership once; the groups of a dataset follow from its series."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What datasets listed is kept; the rest comes with the codes, which every ingest registers."""
    op.execute("""
        DELETE FROM membership m USING membership other
        WHERE (m.group_code, m.member_code) = (other.group_code, other.member_code) AND m.dataset_id > other.dataset_id
    """)
    op.drop_constraint("pk_membership", "membership")
    op.drop_column("membership", "dataset_id")
    op.create_primary_key("pk_membership", "membership", ["group_code", "member_code"])


def downgrade() -> None:
    """With the members that each dataset lists, of groups of which it lists two."""
    op.add_column("membership", sa.Column("dataset_id", sa.String(), nullable=True))
    op.drop_constraint("pk_membership", "membership")
    op.execute("""
        INSERT INTO membership (dataset_id, group_code, member_code)
        SELECT dataset_id, group_code, member_code FROM (
            SELECT s.dataset_id, m.group_code, m.member_code,
                   count(*) OVER (PARTITION BY s.dataset_id, m.group_code) AS members
            FROM membership m JOIN (SELECT DISTINCT dataset_id, partner FROM series) s ON s.partner = m.member_code
        ) AS listed WHERE members > 1
    """)
    op.execute("DELETE FROM membership WHERE dataset_id IS NULL")
    op.alter_column("membership", "dataset_id", nullable=False)
    op.create_primary_key("pk_membership", "membership", ["dataset_id", "group_code", "member_code"])
    op.create_foreign_key("fk_membership_dataset_id", "membership", "dataset", ["dataset_id"], ["id"])
