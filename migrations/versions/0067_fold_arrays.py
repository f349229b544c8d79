"""Forecasts of a forecaster at all folds are arrays in one row, in single precision."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0067"
down_revision = "0063"
branch_labels = None
depends_on = None

KEY = "run_id, series_id, forecaster"
TINY = "1e-37"
TINY_MEANS = f"""
    UPDATE {{table}} SET means = ARRAY(
        SELECT CASE WHEN abs(v) < {TINY} THEN 0 ELSE v END FROM unnest(means) WITH ORDINALITY AS u (v, n) ORDER BY n
    )
    WHERE EXISTS (SELECT FROM unnest(means) AS v WHERE v <> 0 AND abs(v) < {TINY})
"""
TINY_QUANTILES = f"""
    UPDATE {{table}} SET quantiles = (
        SELECT array_agg(ARRAY(
            SELECT CASE WHEN abs(quantiles[p][n]) < {TINY} THEN 0 ELSE quantiles[p][n] END
            FROM generate_subscripts(quantiles, 2) AS n ORDER BY n
        ) ORDER BY p) FROM generate_subscripts(quantiles, 1) AS p
    )
    WHERE EXISTS (SELECT FROM unnest(quantiles) AS v WHERE v <> 0 AND abs(v) < {TINY})
"""


def upgrade() -> None:
    """Means and quantiles keep seven digits, and values too small for single precision are zero; actuals stay as is."""
    for table in ("backtest_forecast", "backtest_period"):
        op.execute(TINY_MEANS.format(table=table))
        op.execute(TINY_QUANTILES.format(table=table))
    for name, dimensions in (("means", "[]"), ("quantiles", "[][]")):
        op.execute(f"ALTER TABLE backtest_period ALTER {name} TYPE real{dimensions} USING CAST({name} AS real[])")
    op.rename_table("backtest_forecast", "backtest_row")
    op.execute("ALTER TABLE backtest_row RENAME CONSTRAINT pk_backtest_forecast TO pk_backtest_row")
    _create_arrays()
    # A fold without quantiles among others that have them is filled with NULL.
    op.execute(f"""
        INSERT INTO backtest_forecast ({KEY}, cutoffs, means, actuals, quantiles)
        WITH size AS (
            SELECT run_id, coalesce(max(array_length(quantiles, 1)), 1) AS bounds, max(cardinality(means)) AS steps
            FROM backtest_row GROUP BY run_id
        )
        SELECT {KEY}, array_agg(cutoff ORDER BY cutoff), array_agg(CAST(means AS real[]) ORDER BY cutoff),
               array_agg(actuals ORDER BY cutoff),
               CASE WHEN count(quantiles) > 0 THEN array_agg(
                   coalesce(CAST(quantiles AS real[]), array_fill(CAST(NULL AS real), ARRAY[bounds, steps]))
                   ORDER BY cutoff
               ) END
        FROM backtest_row JOIN size USING (run_id)
        GROUP BY {KEY}
    """)
    op.drop_table("backtest_row")


def downgrade() -> None:
    """A row for each fold; the digits beyond single precision are not restored."""
    op.rename_table("backtest_forecast", "backtest_array")
    op.execute("ALTER TABLE backtest_array RENAME CONSTRAINT pk_backtest_forecast TO pk_backtest_array")
    _create_rows()
    op.execute(f"""
        INSERT INTO backtest_forecast ({KEY}, cutoff, means, actuals, quantiles)
        SELECT {KEY}, cutoffs[n], CAST(ARRAY(SELECT unnest(means[n:n])) AS float8[]),
               ARRAY(SELECT unnest(actuals[n:n])),
               CASE WHEN EXISTS (SELECT FROM unnest(quantiles[n:n]) AS v WHERE v IS NOT NULL) THEN (
                   SELECT array_agg(CAST(ARRAY(SELECT unnest(quantiles[n:n][p:p][:])) AS float8[]) ORDER BY p)
                   FROM generate_subscripts(quantiles, 2) AS p
               ) END
        FROM backtest_array CROSS JOIN LATERAL generate_subscripts(cutoffs, 1) AS n
        WHERE means[n][1] IS NOT NULL
    """)
    op.drop_table("backtest_array")
    for name, dimensions in (("means", "[]"), ("quantiles", "[][]")):
        op.execute(
            f"ALTER TABLE backtest_period ALTER {name} TYPE double precision{dimensions} USING CAST({name} AS float8[])"
        )


def _create_arrays() -> None:
    op.create_table(
        "backtest_forecast",
        *_key(),
        sa.Column("cutoffs", ARRAY(sa.Date()), nullable=False),
        sa.Column("means", ARRAY(sa.REAL(), dimensions=2), nullable=False),
        sa.Column("quantiles", ARRAY(sa.REAL(), dimensions=3), nullable=True),
        sa.Column("actuals", ARRAY(sa.Float(53), dimensions=2), nullable=False),
        sa.CheckConstraint(
            "array_length(means, 1) = cardinality(cutoffs) AND array_dims(actuals) = array_dims(means)"
            " AND (quantiles IS NULL OR array_length(quantiles, 1) = cardinality(cutoffs)"
            " AND array_length(quantiles, 3) = array_length(means, 2))",
            name=op.f("ck_backtest_forecast_shape"),
        ),
        *_references(),
        sa.PrimaryKeyConstraint("run_id", "series_id", "forecaster", name=op.f("pk_backtest_forecast")),
    )


def _create_rows() -> None:
    op.create_table(
        "backtest_forecast",
        *_key(),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("means", ARRAY(sa.Float(53)), nullable=False),
        sa.Column("quantiles", ARRAY(sa.Float(53), dimensions=2), nullable=True),
        sa.Column("actuals", ARRAY(sa.Float(53)), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM cutoff) = 1", name=op.f("ck_backtest_forecast_cutoff_starts")),
        *_references(),
        sa.PrimaryKeyConstraint("run_id", "series_id", "forecaster", "cutoff", name=op.f("pk_backtest_forecast")),
    )


def _key() -> list[sa.Column[int] | sa.Column[str]]:
    return [
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("forecaster", sa.String(40), nullable=False),
    ]


def _references() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_backtest_forecast_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_backtest_forecast_series_id")),
    ]
