"""The figures that each run saw."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Backfill the inputs of existing runs from the observations known on their as_of date."""
    op.create_table(
        "panel_series",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("values", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM start) = 1", name=op.f("ck_panel_series_month_starts")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_panel_series_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_panel_series_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", name=op.f("pk_panel_series")),
    )
    op.execute(_SEEN)


def downgrade() -> None:
    op.drop_table("panel_series")


_SEEN = """
    WITH seen AS (
        SELECT DISTINCT ON (r.id, o.series_id, o.month) r.id AS run_id, o.series_id, o.month, o.value, o.months
        FROM run r
        JOIN series s ON s.dataset_id = r.dataset_id
        JOIN observation o ON o.series_id = s.id AND o.vintage <= r.as_of AND o.month <= r.cutoff
        WHERE r.status = 'published'
        ORDER BY r.id, o.series_id, o.month, o.vintage DESC
    ), span AS (
        SELECT run_id, series_id, min(month - (months - 1) * interval '1 month')::date AS start, max(month) AS last
        FROM seen GROUP BY run_id, series_id
    )
    INSERT INTO panel_series (run_id, series_id, start, values)
    SELECT run_id, series_id, span.start, array_agg(seen.value ORDER BY each.month)
    FROM span
    CROSS JOIN LATERAL (
        SELECT generate_series(span.start, span.last, interval '1 month')::date AS month
    ) AS each
    LEFT JOIN seen USING (run_id, series_id, month)
    GROUP BY run_id, series_id, span.start
"""
