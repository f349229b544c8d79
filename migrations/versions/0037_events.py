"""Events: dated measures that move trade, with the day each became known."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0037"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("measure", sa.String(60), nullable=False),
        sa.Column("announced", sa.Date(), nullable=False),
        sa.Column("effective", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("until_known_on", sa.Date(), nullable=True),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("reporter", sa.String(), nullable=False),
        sa.Column("flow", sa.String(1), nullable=False),
        sa.Column("partners", ARRAY(sa.String(12)), nullable=False),
        sa.Column("sectors", ARRAY(sa.String(24)), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("rate_before", sa.Float(), nullable=True),
        sa.Column("rate_after", sa.Float(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name=op.f("ck_event_id_is_a_code")),
        sa.CheckConstraint(
            "kind IN ('tariff', 'truce', 'closure', 'rebate', 'control', 'other')", name=op.f("ck_event_kind")
        ),
        sa.CheckConstraint("flow IN ('X', 'M', '*')", name=op.f("ck_event_flow")),
        sa.CheckConstraint("effective >= announced", name=op.f("ck_event_effective_after_announcement")),
        sa.CheckConstraint("until > effective", name=op.f("ck_event_until_after_effective")),
        sa.CheckConstraint(
            "until_known_on IS NULL OR until_known_on >= announced AND until IS NOT NULL",
            name=op.f("ck_event_until_known_on"),
        ),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_event_share")),
        sa.CheckConstraint("(rate_before IS NULL) = (rate_after IS NULL)", name=op.f("ck_event_rates")),
        sa.CheckConstraint(
            "rate_before BETWEEN 0 AND 1000 AND rate_after BETWEEN 0 AND 1000", name=op.f("ck_event_rates_in_range")
        ),
        sa.ForeignKeyConstraint(["reporter"], ["partner.code"], name=op.f("fk_event_reporter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )


def downgrade() -> None:
    op.drop_table("event")
