"""Scores are arrays over levels and steps."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0022"
branch_labels = None
depends_on = None

KEY = "run_id, series_id, forecaster, kind, metric"


def upgrade() -> None:
    """The rows of a metric become one. Values have the seven digits of single precision; smaller ones are zero."""
    op.rename_table("score", "score_row")
    op.execute("ALTER TABLE score_row RENAME CONSTRAINT pk_score TO pk_score_row")
    _create_arrays()
    op.execute(f"""
        INSERT INTO score ({KEY}, levels, values, counts)
        WITH size AS (
            SELECT run_id, metric, max(step) AS steps FROM score_row GROUP BY run_id, metric
        ), line AS (
            SELECT DISTINCT {KEY}, level, steps FROM score_row JOIN size USING (run_id, metric)
        ), level AS (
            SELECT {KEY}, level,
                   array_agg(CASE WHEN abs(value) < 1e-37 THEN 0 ELSE value END::real ORDER BY step) AS values,
                   array_agg(coalesce(n, 0)::smallint ORDER BY step) AS counts
            FROM line CROSS JOIN LATERAL generate_series(0, steps) AS step
            LEFT JOIN score_row USING ({KEY}, level, step)
            GROUP BY {KEY}, level
        )
        SELECT {KEY}, array_agg(level::real ORDER BY level), array_agg(values ORDER BY level),
               array_agg(counts ORDER BY level)
        FROM level GROUP BY {KEY}
    """)
    op.drop_table("score_row")


def downgrade() -> None:
    """A row for each level and step; the digits beyond single precision are not restored."""
    op.rename_table("score", "score_array")
    op.execute("ALTER TABLE score_array RENAME CONSTRAINT pk_score TO pk_score_array")
    _create_rows()
    op.execute(f"""
        INSERT INTO score ({KEY}, level, step, value, n)
        SELECT {KEY}, levels[(place - 1) / array_length(values, 2) + 1], (place - 1) % array_length(values, 2),
               value::text::float8, n
        FROM score_array, ROWS FROM (unnest(values), unnest(counts)) WITH ORDINALITY AS cell (value, n, place)
        WHERE n > 0
    """)
    op.drop_table("score_array")


def _create_arrays() -> None:
    op.create_table(
        "score",
        *_key(),
        sa.Column("levels", sa.ARRAY(sa.REAL()), nullable=False),
        sa.Column("values", sa.ARRAY(sa.REAL(), dimensions=2), nullable=False),
        sa.Column("counts", sa.ARRAY(sa.SmallInteger(), dimensions=2), nullable=False),
        sa.CheckConstraint("0 <= ALL (levels) AND 100 > ALL (levels)", name=op.f("ck_score_level")),
        sa.CheckConstraint("0 <= ALL (counts)", name=op.f("ck_score_n")),
        sa.CheckConstraint(
            "array_dims(values) = array_dims(counts) AND array_length(values, 1) = cardinality(levels)",
            name=op.f("ck_score_shape"),
        ),
        sa.CheckConstraint(
            "NOT 'NaN' = ANY (values) AND NOT 'Infinity' = ANY (values) AND NOT '-Infinity' = ANY (values)",
            name=op.f("ck_score_is_finite"),
        ),
        *_references(),
        sa.PrimaryKeyConstraint("run_id", "series_id", "forecaster", "kind", "metric", name=op.f("pk_score")),
    )


def _create_rows() -> None:
    op.create_table(
        "score",
        *_key()[:3],
        sa.Column("step", sa.Integer(), nullable=False),
        *_key()[3:],
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8", name=op.f("ck_score_is_finite")
        ),
        sa.CheckConstraint("level >= 0 AND level < 100", name=op.f("ck_score_level")),
        sa.CheckConstraint("n > 0", name=op.f("ck_score_n")),
        sa.CheckConstraint("step >= 0", name=op.f("ck_score_step")),
        *_references(),
        sa.PrimaryKeyConstraint(
            "run_id", "series_id", "forecaster", "step", "kind", "metric", "level", name=op.f("pk_score")
        ),
    )


def _key() -> list[sa.Column[int] | sa.Column[str]]:
    return [
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("forecaster", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("metric", sa.String(24), nullable=False),
    ]


def _references() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_score_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_score_series_id")),
    ]
