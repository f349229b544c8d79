"""Forecasts of periods at all folds are one row a kind, on grids."""

from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from migrations.grids import decoded, encoded, insert, listed, row_length, streamed

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

TABLE = "backtest_period"


def upgrade() -> None:
    """The rows of a kind become one; a fold with fewer periods than others is filled with missing numbers."""
    table = _replace(
        [
            sa.Column("cutoffs", ARRAY(sa.Date()), nullable=False),
            sa.Column("steps", ARRAY(sa.SmallInteger()), nullable=False),
            sa.Column("lengths", ARRAY(sa.SmallInteger()), nullable=False),
            sa.Column("spacing", sa.Integer(), nullable=False),
            sa.Column("means", BYTEA(), nullable=False),
            sa.Column("quantiles", BYTEA(), nullable=False),
            sa.Column("actuals", ARRAY(sa.Float(53), dimensions=2), nullable=False),
            sa.CheckConstraint(
                "1 <= ALL (steps) AND 1 <= ALL (lengths) AND spacing >= 1", name=op.f(f"ck_{TABLE}_steps")
            ),
            sa.CheckConstraint(
                "cardinality(steps) = cardinality(cutoffs) AND cardinality(lengths) = cardinality(cutoffs)"
                " AND array_length(actuals, 1) = cardinality(cutoffs)",
                name=op.f(f"ck_{TABLE}_shape"),
            ),
        ],
        [],
    )
    rows = streamed(op.get_bind(), "SELECT * FROM period_before ORDER BY run_id, series_id, kind, cutoff")
    kinds = groupby(rows, key=lambda row: (row.run_id, row.series_id, row.kind))
    insert(op.get_bind(), table, (_on_grids(key, list(folds)) for key, folds in kinds))
    op.drop_table("period_before")


def downgrade() -> None:
    """A row for each fold in single precision; numbers stay on their grid."""
    table = _replace(
        [
            sa.Column("cutoff", sa.Date(), nullable=False),
            sa.Column("step", sa.Integer(), nullable=False),
            sa.Column("spacing", sa.Integer(), nullable=False),
            sa.Column("means", ARRAY(sa.REAL()), nullable=False),
            sa.Column("quantiles", ARRAY(sa.REAL(), dimensions=2), nullable=False),
            sa.Column("actuals", ARRAY(sa.Float(53)), nullable=False),
            sa.CheckConstraint("EXTRACT(DAY FROM cutoff) = 1", name=op.f(f"ck_{TABLE}_cutoff_starts")),
            sa.CheckConstraint("step >= 1 AND spacing >= 1", name=op.f(f"ck_{TABLE}_steps")),
        ],
        ["cutoff"],
    )
    rows = streamed(op.get_bind(), "SELECT * FROM period_before")
    insert(op.get_bind(), table, (fold for row in rows for fold in _folds(row)))
    op.drop_table("period_before")


def _on_grids(key: tuple[int, int, str], folds: list[Any]) -> dict[str, Any]:
    most = max(len(fold.means) for fold in folds)

    def side_by_side(name: str) -> Any:
        known = [np.array(getattr(fold, name), dtype=np.float64) for fold in folds]
        ends = [[(0, 0)] * (values.ndim - 1) + [(0, most - values.shape[-1])] for values in known]
        padded = [np.pad(values, end, constant_values=np.nan) for values, end in zip(known, ends, strict=True)]
        return np.stack(padded)

    return {
        **dict(zip(("run_id", "series_id", "kind"), key, strict=True)),
        "cutoffs": [fold.cutoff for fold in folds],
        "steps": [fold.step for fold in folds],
        "lengths": [len(fold.means) for fold in folds],
        "spacing": folds[0].spacing,
        "means": encoded(side_by_side("means")),
        "quantiles": encoded(side_by_side("quantiles").reshape(len(folds), -1)),
        "actuals": listed(side_by_side("actuals")),
    }


def _folds(row: Any) -> list[dict[str, Any]]:
    count, most = len(row.cutoffs), len(row.actuals[0])
    means = decoded(row.means, most)
    quantiles = decoded(row.quantiles, row_length(len(row.quantiles) // count)).reshape(count, -1, most)
    return [
        {
            **{name: getattr(row, name) for name in ("run_id", "series_id", "kind", "spacing")},
            "cutoff": cutoff,
            "step": row.steps[place],
            "means": listed(means[place, :length]),
            "quantiles": listed(quantiles[place, :, :length]),
            "actuals": row.actuals[place][:length],
        }
        for place, (cutoff, length) in enumerate(zip(row.cutoffs, row.lengths, strict=True))
    ]


def _replace(columns: list[Any], key: list[str]) -> sa.Table:
    op.rename_table(TABLE, "period_before")
    op.execute(f"ALTER TABLE period_before RENAME CONSTRAINT pk_{TABLE} TO pk_period_before")
    return op.create_table(
        TABLE,
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        *columns,
        sa.CheckConstraint("kind IN ('jan_feb', 'quarter', 'year')", name=op.f(f"ck_{TABLE}_kind")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f(f"fk_{TABLE}_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f(f"fk_{TABLE}_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "kind", *key, name=op.f(f"pk_{TABLE}")),
    )
