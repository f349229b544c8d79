"""Series taken apart into trend, season, calendar and rest, as a run found them.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row a series and component."""
    op.create_table(
        "component",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("values", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.CheckConstraint("name IN ('trend', 'season', 'calendar', 'rest')", name=op.f("ck_component_name")),
        sa.CheckConstraint("EXTRACT(DAY FROM start) = 1", name=op.f("ck_component_month_starts")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_component_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_component_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "name", name=op.f("pk_component")),
    )


def downgrade() -> None:
    """No components."""
    op.drop_table("component")
