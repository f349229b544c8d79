from datetime import date
from typing import Any

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session, SQLModel

from store import binary_copy
from store.binary_copy import copy_arrays
from store.models import Partner


class Sample(SQLModel, table=True):
    """A table of every type that numbers and text are stored as."""

    metadata = sa.MetaData()
    __table_args__ = (sa.CheckConstraint("n > 0", name="ck_sample_n"),)

    batch: str = Field(primary_key=True)
    n: int = Field(primary_key=True)
    name: str = ""
    value: float = 0.0
    pair: list[float | None] | None = Field(default=None, sa_type=ARRAY(sa.Float(53)))
    grid: list[list[float | None]] | None = Field(default=None, sa_type=ARRAY(sa.REAL, dimensions=2))
    counts: list[int] | None = Field(default=None, sa_type=ARRAY(sa.SmallInteger))
    cube: list[list[list[float | None]]] | None = Field(default=None, sa_type=ARRAY(sa.REAL, dimensions=3))
    days: list[date] | None = Field(default=None, sa_type=ARRAY(sa.Date))


@pytest.fixture(autouse=True)
def sample_table(session: Session) -> None:
    Sample.metadata.create_all(session.connection())


def stored(session: Session, batch: str) -> list[Any]:
    query = sa.text("SELECT n, name, value, pair, grid, counts, cube, days FROM sample WHERE batch = :batch ORDER BY n")
    return list(map(tuple, session.execute(query, {"batch": batch})))


def or_none(values: Any) -> Any:
    """Lists in place of arrays, None in place of NaN."""
    if isinstance(values, np.ndarray):
        return [or_none(value) for value in values]
    if isinstance(values, np.datetime64):
        return values.astype(date)
    return None if np.isnan(values) else values.item()


def test_columns_are_stored_as_rows_would_be(session: Session) -> None:
    generator = np.random.default_rng(1)
    table: dict[str, Any] = {
        "n": np.arange(1, 501),
        "name": np.array(["ets", "a much longer name", "état"])[generator.integers(0, 3, 500)],
        "value": generator.normal(size=500) * 10.0 ** generator.integers(-300, 300, 500),
        "pair": np.where(generator.random((500, 2)) < 0.3, np.nan, generator.normal(size=(500, 2))),
        "grid": np.where(generator.random((500, 2, 3)) < 0.3, np.nan, generator.random((500, 2, 3), np.float32)),
        "counts": generator.integers(0, 32_000, (500, 4)),
        "cube": np.where(generator.random((500, 2, 2, 3)) < 0.3, np.nan, generator.random((500, 2, 2, 3), np.float32)),
        "days": np.datetime64("1969-01") + generator.integers(0, 1200, (500, 5)),
    }
    assert copy_arrays(session, Sample, {"batch": "arrays", **table}) == 500
    names = [*table]
    rows = [
        dict(zip(names, (int(n), str(name), *map(or_none, others)), strict=True))
        for n, name, *others in zip(*table.values(), strict=True)
    ]
    session.execute(sa.insert(Sample), [{"batch": "rows", **row} for row in rows])
    assert stored(session, "arrays") == stored(session, "rows")


def test_blocks_join_without_a_seam(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_copy, "BLOCK_BYTES", 300)
    columns: dict[str, Any] = {"batch": "seam", "n": np.arange(1, 51), "name": "x", "value": np.arange(50) / 7}
    assert copy_arrays(session, Sample, columns) == 50
    assert [row[:3] for row in stored(session, "seam")] == [(n, "x", (n - 1) / 7) for n in range(1, 51)]


def test_text_keeps_what_is_not_ascii(session: Session) -> None:
    names = ["Côte d’Ivoire", "中国", "Åland"]
    codes = ["T1", "T22", "T333"]
    copy_arrays(session, Partner, {"code": codes, "name": names, "is_group": np.array([0, 1, 0], dtype=bool)})
    query = sa.text("SELECT name, is_group FROM partner WHERE code IN ('T1', 'T22', 'T333') ORDER BY code")
    assert [tuple(row) for row in session.execute(query)] == list(zip(names, (False, True, False), strict=True))


def test_no_rows_are_no_work(session: Session) -> None:
    assert copy_arrays(session, Sample, {"batch": "none", "n": np.array([], dtype=int)}) == 0


def test_a_row_that_breaks_a_rule_undoes_all_of_them(session: Session) -> None:
    columns: dict[str, Any] = {"batch": "bad", "n": [1, 0], "name": "x", "value": 1.0}
    with pytest.raises(psycopg.errors.CheckViolation), session.begin_nested():
        copy_arrays(session, Sample, columns)
    assert stored(session, "bad") == []
