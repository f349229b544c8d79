"""A release calendar of indicators."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "indicator_release",
        sa.Column("indicator_id", sa.String(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("EXTRACT(DAY FROM period) = 1", name=op.f("ck_indicator_release_period_starts")),
        sa.CheckConstraint("due_on > period", name=op.f("ck_indicator_release_due_after_month_begins")),
        sa.CheckConstraint("polls >= 0", name=op.f("ck_indicator_release_polls")),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name=op.f("fk_indicator_release_indicator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("indicator_id", "period", name=op.f("pk_indicator_release")),
    )
    # Months that are stored were published on their first day; a year after the last is due by the indicator's rule.
    op.execute("""
        INSERT INTO indicator_release (indicator_id, period, due_on, published_on, polls)
        SELECT i.id, o.month, (o.month + interval '1 month')::date - 1 + i.lag_days, min(o.known_on), 0
        FROM indicator i JOIN indicator_observation o ON o.indicator_id = i.id GROUP BY i.id, o.month
    """)
    op.execute("""
        INSERT INTO indicator_release (indicator_id, period, due_on, polls)
        SELECT i.id, ahead.month, (ahead.month + interval '1 month')::date - 1 + i.lag_days, 0
        FROM indicator i
        JOIN (SELECT indicator_id, max(month) AS month FROM indicator_observation GROUP BY indicator_id) AS last
          ON last.indicator_id = i.id
        CROSS JOIN LATERAL (
            SELECT (last.month + n * interval '1 month')::date AS month FROM generate_series(1, 12) AS n
        ) AS ahead
    """)


def downgrade() -> None:
    op.drop_table("indicator_release")
