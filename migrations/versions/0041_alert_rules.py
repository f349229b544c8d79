"""Alert rules of users: stored rules, their alerts, and e-mails about them."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0035"
branch_labels = None
depends_on = None
FINITE = "{0} > '-Infinity'::float8 AND {0} < 'Infinity'::float8"


def upgrade() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("flow", sa.String(1), nullable=False),
        sa.Column("partner", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("period", sa.String(17), nullable=False),
        sa.Column("units", sa.String(3), nullable=False),
        sa.Column("above", sa.Float(), nullable=True),
        sa.Column("below", sa.Float(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_run_id", sa.Integer(), nullable=True),
        sa.Column("last_probability", sa.Float(), nullable=True),
        sa.Column("last_reason", sa.String(), nullable=True),
        sa.CheckConstraint("flow IN ('X', 'M', 'B')", name=op.f("ck_alert_rule_flow")),
        sa.CheckConstraint("units IN ('lin', 'pc1')", name=op.f("ck_alert_rule_units")),
        sa.CheckConstraint("above IS NOT NULL OR below IS NOT NULL", name=op.f("ck_alert_rule_has_a_threshold")),
        sa.CheckConstraint(
            f"({FINITE.format('above')}) AND ({FINITE.format('below')})", name=op.f("ck_alert_rule_is_finite")
        ),
        sa.CheckConstraint("above < below", name=op.f("ck_alert_rule_thresholds_ordered")),
        sa.CheckConstraint("probability > 0 AND probability < 1", name=op.f("ck_alert_rule_probability")),
        sa.CheckConstraint("last_probability BETWEEN 0 AND 1", name=op.f("ck_alert_rule_last_probability")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_alert_rule_dataset_id")),
        sa.ForeignKeyConstraint(["partner"], ["partner.code"], name=op.f("fk_alert_rule_partner")),
        sa.ForeignKeyConstraint(["sector"], ["sector.code"], name=op.f("fk_alert_rule_sector")),
        sa.ForeignKeyConstraint(
            ["last_run_id"], ["run.id"], name=op.f("fk_alert_rule_last_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rule")),
    )
    op.create_index(op.f("ix_alert_rule_dataset_id"), "alert_rule", ["dataset_id"])
    op.add_column("alert", sa.Column("rule_id", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_alert_rule_id"), "alert", "alert_rule", ["rule_id"], ["id"], ondelete="CASCADE")
    op.drop_constraint(op.f("ck_alert_kind"), "alert")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", "kind IN ('late', 'source', 'run', 'rule')")
    op.create_check_constraint(op.f("ck_alert_has_a_rule"), "alert", "(kind = 'rule') = (rule_id IS NOT NULL)")
    op.create_index(
        "uq_alert_open_rule", "alert", ["rule_id"], unique=True, postgresql_where=sa.text("cleared_at IS NULL")
    )
    _index_open("cleared_at IS NULL AND rule_id IS NULL")
    op.create_table(
        "alert_mail",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("sent_events", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("sent_events BETWEEN 0 AND 2 AND attempts >= 0", name=op.f("ck_alert_mail_counts")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_mail_alert_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert_mail")),
    )


def downgrade() -> None:
    """Rules and their alerts are deleted: the earlier schema has no place for them."""
    op.drop_table("alert_mail")
    op.execute("DELETE FROM alert WHERE kind = 'rule'")
    op.drop_index("uq_alert_open_rule", "alert")
    op.drop_constraint(op.f("ck_alert_has_a_rule"), "alert")
    op.drop_constraint(op.f("ck_alert_kind"), "alert")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", "kind IN ('late', 'source', 'run')")
    _index_open("cleared_at IS NULL")
    op.drop_constraint(op.f("fk_alert_rule_id"), "alert")
    op.drop_column("alert", "rule_id")
    op.drop_table("alert_rule")


def _index_open(condition: str) -> None:
    op.drop_index("uq_alert_open", "alert")
    columns = ["dataset_id", "kind", "period"]
    op.create_index("uq_alert_open", "alert", columns, unique=True, postgresql_where=sa.text(condition))
