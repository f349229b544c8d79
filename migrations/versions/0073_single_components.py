"""Components of series are in single precision, in which they are computed."""

from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Values too small for single precision are zero."""
    op.execute("""
        UPDATE decomposition SET values = ARRAY(
            SELECT CASE WHEN abs(v) < 1e-37 THEN 0 ELSE v END FROM unnest(values) WITH ORDINALITY AS u (v, n) ORDER BY n
        )
        WHERE EXISTS (SELECT FROM unnest(values) AS v WHERE v <> 0 AND abs(v) < 1e-37)
    """)
    op.execute("ALTER TABLE decomposition ALTER values TYPE real[] USING CAST(values AS real[])")


def downgrade() -> None:
    """Numbers keep the digits that single precision has."""
    op.execute("""
        ALTER TABLE decomposition ALTER values TYPE double precision[] USING CAST(CAST(values AS text) AS float8[])
    """)
