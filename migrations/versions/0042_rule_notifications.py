"""Notifications about alert rules that are met."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

BEFORE = "'run.published', 'figures.arrived', 'forecast.surprised', 'release.late'"


def upgrade() -> None:
    """Allow the type `rule.met`."""
    op.drop_constraint(op.f("ck_notification_type"), "notification")
    op.create_check_constraint(op.f("ck_notification_type"), "notification", f"type IN ({BEFORE}, 'rule.met')")


def downgrade() -> None:
    """Notifications about rules are deleted: the earlier schema has no place for them."""
    op.execute("DELETE FROM notification WHERE type = 'rule.met'")
    op.drop_constraint(op.f("ck_notification_type"), "notification")
    op.create_check_constraint(op.f("ck_notification_type"), "notification", f"type IN ({BEFORE})")
