"""Published quantiles of a series are an array over probabilities and steps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The rows of a series become one."""
    _rename("forecast_quantile", "quantile_row")
    op.create_table(
        "forecast_quantile",
        *_key(),
        sa.Column("probabilities", ARRAY(sa.Float(53)), nullable=False),
        sa.Column("values", ARRAY(sa.Float(53), dimensions=2), nullable=False),
        sa.CheckConstraint(
            "0 < ALL (probabilities) AND 1 > ALL (probabilities)", name=op.f("ck_forecast_quantile_probability")
        ),
        sa.CheckConstraint(
            "array_length(values, 1) = cardinality(probabilities)", name=op.f("ck_forecast_quantile_shape")
        ),
        sa.CheckConstraint(
            "NOT 'NaN' = ANY (values) AND NOT 'Infinity' = ANY (values) AND NOT '-Infinity' = ANY (values)",
            name=op.f("ck_forecast_quantile_is_finite"),
        ),
        *_references(),
        sa.PrimaryKeyConstraint("run_id", "series_id", name=op.f("pk_forecast_quantile")),
    )
    op.execute("""
        INSERT INTO forecast_quantile (run_id, series_id, probabilities, values)
        WITH probability AS (
            SELECT DISTINCT run_id, series_id, probability FROM quantile_row
        ), line AS (
            SELECT run_id, series_id, probability, array_agg(value ORDER BY step) AS steps
            FROM probability JOIN forecast USING (run_id, series_id)
            LEFT JOIN quantile_row USING (run_id, series_id, month, probability)
            GROUP BY run_id, series_id, probability
        )
        SELECT run_id, series_id, array_agg(probability ORDER BY probability), array_agg(steps ORDER BY probability)
        FROM line GROUP BY run_id, series_id
    """)
    op.drop_table("quantile_row")


def downgrade() -> None:
    """A row for each month and probability."""
    _rename("forecast_quantile", "quantile_array")
    op.create_table(
        "forecast_quantile",
        *_key(),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8", name=op.f("ck_forecast_quantile_is_finite")
        ),
        sa.CheckConstraint("probability > 0 AND probability < 1", name=op.f("ck_forecast_quantile_probability")),
        *_references(),
        sa.PrimaryKeyConstraint("run_id", "series_id", "month", "probability", name=op.f("pk_forecast_quantile")),
    )
    op.execute("""
        INSERT INTO forecast_quantile (run_id, series_id, month, probability, value)
        SELECT run_id, series_id, month, probabilities[n], values[n][step]
        FROM quantile_array JOIN forecast USING (run_id, series_id)
        CROSS JOIN LATERAL generate_subscripts(probabilities, 1) AS n
        WHERE values[n][step] IS NOT NULL
    """)
    op.drop_table("quantile_array")


def _rename(before: str, after: str) -> None:
    op.rename_table(before, after)
    op.execute(f"ALTER TABLE {after} RENAME CONSTRAINT pk_{before} TO pk_{after}")


def _key() -> list[sa.Column[int]]:
    return [
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
    ]


def _references() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_quantile_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_quantile_series_id")),
    ]
