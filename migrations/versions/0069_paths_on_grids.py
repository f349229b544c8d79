"""Simulated paths are 16-bit integers, a grid a step."""

from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA

from migrations.grids import decoded, encoded, insert, streamed

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draws are read with an error of at most 1/65,534 of the range of their month."""
    _convert("octet_length(values) = steps * (10 + 2 * draws)", _on_grids)


def downgrade() -> None:
    """Draws in single precision, as before, with the values of their grid."""
    _convert("octet_length(values) = draws * steps * 4", _in_single)


def _on_grids(row: Any) -> dict[str, Any]:
    draws = np.frombuffer(row.values, dtype="<f4").reshape(row.draws, row.steps)
    return {**row._mapping, "values": encoded(draws.T)}


def _in_single(row: Any) -> dict[str, Any]:
    return {**row._mapping, "values": decoded(row.values, row.draws).T.astype("<f4").tobytes()}


def _convert(shape: str, change: Any) -> None:
    op.rename_table("forecast_path", "path_before")
    op.execute("ALTER TABLE path_before RENAME CONSTRAINT pk_forecast_path TO pk_path_before")
    table = op.create_table(
        "forecast_path",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("draws", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("values", BYTEA(), nullable=False),
        sa.CheckConstraint(shape, name=op.f("ck_forecast_path_shape")),
        sa.CheckConstraint("draws > 0 AND steps > 0", name=op.f("ck_forecast_path_not_empty")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_forecast_path_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_forecast_path_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", name=op.f("pk_forecast_path")),
    )
    insert(op.get_bind(), table, map(change, streamed(op.get_bind(), "SELECT * FROM path_before")))
    op.drop_table("path_before")
