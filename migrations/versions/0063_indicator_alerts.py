"""Alerts about late indicators."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None
WITHOUT_RULE = "cleared_at IS NULL AND rule_id IS NULL"


def upgrade() -> None:
    """An alert may be about an indicator of its dataset."""
    op.add_column("alert", sa.Column("indicator_id", sa.String(), nullable=True))
    op.create_foreign_key(
        op.f("fk_alert_indicator_id"), "alert", "indicator", ["indicator_id"], ["id"], ondelete="CASCADE"
    )
    op.create_check_constraint(op.f("ck_alert_indicator_is_late"), "alert", "indicator_id IS NULL OR kind = 'late'")
    op.drop_index("uq_alert_open", "alert")
    _create_index("uq_alert_open", f"{WITHOUT_RULE} AND indicator_id IS NULL", "dataset_id", "kind", "period")
    _create_index("uq_alert_open_indicator", "cleared_at IS NULL", "dataset_id", "indicator_id", "period")


def downgrade() -> None:
    """Alerts about indicators are deleted: the earlier schema has no place for them."""
    op.execute("DELETE FROM alert WHERE indicator_id IS NOT NULL")
    op.drop_index("uq_alert_open_indicator", "alert")
    op.drop_index("uq_alert_open", "alert")
    _create_index("uq_alert_open", WITHOUT_RULE, "dataset_id", "kind", "period")
    op.drop_constraint(op.f("ck_alert_indicator_is_late"), "alert")
    op.drop_column("alert", "indicator_id")


def _create_index(name: str, condition: str, *columns: str) -> None:
    op.create_index(name, "alert", list(columns), unique=True, postgresql_where=sa.text(condition))
