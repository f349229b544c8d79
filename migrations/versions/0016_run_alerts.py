"""Alerts about failed runs."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow the kind `run`."""
    op.drop_constraint(op.f("ck_alert_kind"), "alert")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", "kind IN ('late', 'source', 'run')")


def downgrade() -> None:
    """Alerts about runs are deleted: the earlier schema has no place for them."""
    op.execute("DELETE FROM alert WHERE kind = 'run'")
    op.drop_constraint(op.f("ck_alert_kind"), "alert")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", "kind IN ('late', 'source')")
