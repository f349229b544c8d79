"""Forecasts of a series at all folds are one row, on grids, with the actuals once."""

from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from migrations.grids import decoded, encoded, insert, listed, row_length, streamed

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

TABLE = "backtest_forecast"


def upgrade() -> None:
    """A fold that a forecaster lacks, among those of its series, is missing throughout."""
    table = _replace(
        [
            sa.Column("cutoffs", ARRAY(sa.Date()), nullable=False),
            sa.Column("actuals", ARRAY(sa.Float(53), dimensions=2), nullable=False),
            sa.Column("forecasters", sa.JSON(), nullable=False),
            sa.Column("with_quantiles", sa.JSON(), nullable=False),
            sa.Column("means", BYTEA(), nullable=False),
            sa.Column("quantiles", BYTEA(), nullable=False),
        ],
        "array_length(actuals, 1) = cardinality(cutoffs) AND octet_length(means) = "
        "json_array_length(forecasters) * cardinality(cutoffs) * (10 + 2 * array_length(actuals, 2))",
        [],
    )
    rows = streamed(op.get_bind(), "SELECT * FROM fold_before ORDER BY run_id, series_id, forecaster")
    series = groupby(rows, key=lambda row: (row.run_id, row.series_id))
    insert(op.get_bind(), table, (_on_grids(*key, list(forecasters)) for key, forecasters in series))
    op.drop_table("fold_before")


def downgrade() -> None:
    """A row for each forecaster in single precision; numbers stay on their grid."""
    table = _replace(
        [
            sa.Column("forecaster", sa.String(40), nullable=False),
            sa.Column("cutoffs", ARRAY(sa.Date()), nullable=False),
            sa.Column("means", ARRAY(sa.REAL(), dimensions=2), nullable=False),
            sa.Column("quantiles", ARRAY(sa.REAL(), dimensions=3), nullable=True),
            sa.Column("actuals", ARRAY(sa.Float(53), dimensions=2), nullable=False),
        ],
        "array_length(means, 1) = cardinality(cutoffs) AND array_dims(actuals) = array_dims(means)"
        " AND (quantiles IS NULL OR array_length(quantiles, 1) = cardinality(cutoffs)"
        " AND array_length(quantiles, 3) = array_length(means, 2))",
        ["forecaster"],
    )
    rows = streamed(op.get_bind(), "SELECT * FROM fold_before")
    insert(op.get_bind(), table, (forecaster for row in rows for forecaster in _forecasters(row)))
    op.drop_table("fold_before")


def _on_grids(run_id: int, series_id: int, rows: list[Any]) -> dict[str, Any]:
    cutoffs = sorted({cutoff for row in rows for cutoff in row.cutoffs})
    place = {cutoff: number for number, cutoff in enumerate(cutoffs)}

    def complete(row: Any, name: str) -> Any:
        known = np.array(getattr(row, name), dtype=np.float64)
        folds = np.full((len(cutoffs), *known.shape[1:]), np.nan)
        folds[[place[cutoff] for cutoff in row.cutoffs]] = known
        return folds

    actuals = complete(rows[0], "actuals")
    for row in rows[1:]:
        actuals = np.where(np.isnan(actuals), complete(row, "actuals"), actuals)
    with_quantiles = [row for row in rows if row.quantiles is not None]
    return {
        **{"run_id": run_id, "series_id": series_id, "cutoffs": cutoffs, "actuals": listed(actuals)},
        "forecasters": [row.forecaster for row in rows],
        "with_quantiles": [row.forecaster for row in with_quantiles],
        "means": b"".join(encoded(complete(row, "means")) for row in rows),
        "quantiles": b"".join(encoded(complete(row, "quantiles").reshape(len(cutoffs), -1)) for row in with_quantiles),
    }


def _forecasters(row: Any) -> list[dict[str, Any]]:
    folds, steps = len(row.cutoffs), len(row.actuals[0])
    means = decoded(row.means, steps).reshape(len(row.forecasters), folds, steps)
    quantiles: dict[str, Any] = {}
    if row.with_quantiles:
        numbers = row_length(len(row.quantiles) // len(row.with_quantiles) // folds)
        values = decoded(row.quantiles, numbers).reshape(len(row.with_quantiles), folds, -1, steps)
        quantiles = dict(zip(row.with_quantiles, map(listed, values), strict=True))
    own = {name: getattr(row, name) for name in ("run_id", "series_id", "cutoffs", "actuals")}
    return [
        {**own, "forecaster": name, "means": listed(values), "quantiles": quantiles.get(name)}
        for name, values in zip(row.forecasters, means, strict=True)
        if np.isfinite(values).any()
    ]


def _replace(columns: list[Any], shape: str, key: list[str]) -> sa.Table:
    op.rename_table(TABLE, "fold_before")
    op.execute(f"ALTER TABLE fold_before RENAME CONSTRAINT pk_{TABLE} TO pk_fold_before")
    return op.create_table(
        TABLE,
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        *columns,
        sa.CheckConstraint(shape, name=op.f(f"ck_{TABLE}_shape")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f(f"fk_{TABLE}_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f(f"fk_{TABLE}_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", *key, name=op.f(f"pk_{TABLE}")),
    )
