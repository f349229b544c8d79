"""Scores of a series are one row, on grids."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from migrations.grids import HEADER_BYTES, decoded, encoded, insert, listed, streamed

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`entries` has the levels by metric, by kind, by forecaster."""
    table = _replace(
        [
            sa.Column("entries", sa.JSON(), nullable=False),
            sa.Column("values", BYTEA(), nullable=False),
            sa.Column("counts", BYTEA(), nullable=False),
            sa.CheckConstraint(
                "octet_length(values) > octet_length(counts)"
                " AND (octet_length(values) - octet_length(counts)) % 10 = 0",
                name=op.f("ck_score_shape"),
            ),
        ],
        [],
    )
    order = "run_id, series_id, forecaster, kind, metric"
    rows = streamed(op.get_bind(), f"SELECT * FROM score_before ORDER BY {order}")
    series = groupby(rows, key=lambda row: (row.run_id, row.series_id))
    insert(op.get_bind(), table, (_on_grids(*key, list(metrics)) for key, metrics in series))
    op.drop_table("score_before")


def downgrade() -> None:
    """A row for each metric in single precision; numbers stay on their grid."""
    table = _replace(
        [
            sa.Column("forecaster", sa.String(40), nullable=False),
            sa.Column("kind", sa.String(16), nullable=False),
            sa.Column("metric", sa.String(24), nullable=False),
            sa.Column("levels", ARRAY(sa.REAL()), nullable=False),
            sa.Column("values", ARRAY(sa.REAL(), dimensions=2), nullable=False),
            sa.Column("counts", ARRAY(sa.SmallInteger(), dimensions=2), nullable=False),
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
        ],
        ["forecaster", "kind", "metric"],
    )
    rows = streamed(op.get_bind(), "SELECT * FROM score_before")
    insert(op.get_bind(), table, (metric for row in rows for metric in _metrics(row)))
    op.drop_table("score_before")


def _on_grids(run_id: int, series_id: int, metrics: list[Any]) -> dict[str, Any]:
    entries: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in metrics:
        entries.setdefault(row.forecaster, {}).setdefault(row.kind, {})[row.metric] = row.levels
    lines = [line for row in metrics for line in zip(row.values, row.counts, strict=True)]
    steps = max(len(counts) for _, counts in lines)
    values, n = np.full((len(lines), steps), np.nan), np.zeros((len(lines), steps), dtype="<i2")
    for place, (value, counts) in enumerate(lines):
        values[place, : len(counts)], n[place, : len(counts)] = value, counts
    about = {"run_id": run_id, "series_id": series_id, "entries": entries}
    return {**about, "values": encoded(values), "counts": n.tobytes()}


def _metrics(row: Any) -> Iterator[dict[str, Any]]:
    counts = np.frombuffer(row.counts, dtype="<i2").reshape((len(row.values) - len(row.counts)) // HEADER_BYTES, -1)
    values, place = decoded(row.values, counts.shape[1]), 0
    for forecaster, kinds in row.entries.items():
        for kind, metrics in kinds.items():
            for metric, levels in metrics.items():
                rows = [place + number for number in range(len(levels)) if counts[place + number].any()]
                if rows:
                    about = {"run_id": row.run_id, "series_id": row.series_id, "forecaster": forecaster, "kind": kind}
                    about |= {"metric": metric, "levels": [levels[number - place] for number in rows]}
                    yield {**about, "values": listed(values[rows]), "counts": counts[rows].tolist()}
                place += len(levels)


def _replace(columns: list[Any], key: list[str]) -> sa.Table:
    op.rename_table("score", "score_before")
    op.execute("ALTER TABLE score_before RENAME CONSTRAINT pk_score TO pk_score_before")
    return op.create_table(
        "score",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_score_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_score_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", *key, name=op.f("pk_score")),
    )
