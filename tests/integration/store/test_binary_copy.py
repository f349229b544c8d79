from typing import Any

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from store import binary_copy
from store.binary_copy import copy_arrays
from store.models import Partner, Score
from tests.support.factories import Published, build_catalog, publish_run


@pytest.fixture
def run(session: Session) -> Published:
    build_catalog(session)
    return publish_run(session, "CN_TRADE")


def stored(session: Session, run: Published, metric: str) -> list[Any]:
    query = sa.text("SELECT series_id, forecaster, step, value FROM score WHERE run_id = :run AND metric = :metric")
    return sorted(map(tuple, session.execute(query, {"run": run.run_id, "metric": metric})))


def test_columns_are_stored_as_rows_would_be(session: Session, run: Published) -> None:
    generator = np.random.default_rng(1)
    columns = ("run_id", "series_id", "forecaster", "step", "kind", "metric", "level", "value", "n")
    names = np.array(["ets", "a much longer name", "état"])[generator.integers(0, 3, 500)]
    table: dict[str, Any] = {
        "series_id": np.full(500, run.series_ids[0]),
        "forecaster": names,
        "step": np.arange(500),
        "value": generator.normal(size=500) * 10.0 ** generator.integers(-300, 300, 500),
    }
    constants: dict[str, Any] = {"run_id": run.run_id, "kind": "month", "level": 0.0, "n": 1}
    assert copy_arrays(session, Score, {**table, **constants, "metric": "arrays"}) == 500
    rows = [
        (run.run_id, int(run.series_ids[0]), str(name), step, "month", "rows", 0.0, float(value), 1)
        for step, (name, value) in enumerate(zip(names, table["value"], strict=True))
    ]
    session.execute(sa.insert(Score), [dict(zip(columns, row, strict=True)) for row in rows])
    assert stored(session, run, "arrays") == stored(session, run, "rows")


def test_blocks_join_without_a_seam(session: Session, run: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_copy, "BLOCK_BYTES", 300)
    table: dict[str, Any] = {
        "series_id": run.series_ids[0],
        "forecaster": "x",
        "kind": "month",
        "metric": "seam",
        "n": 1,
    }
    columns = {**table, "run_id": run.run_id, "step": np.arange(50), "level": 0.0, "value": np.arange(50) / 7}
    assert copy_arrays(session, Score, columns) == 50
    assert [row[2:] for row in stored(session, run, "seam")] == [(step, step / 7) for step in range(50)]


def test_text_keeps_what_is_not_ascii(session: Session) -> None:
    names = ["Côte d’Ivoire", "中国", "Åland"]
    codes = ["T1", "T22", "T333"]
    copy_arrays(session, Partner, {"code": codes, "name": names, "is_group": np.array([0, 1, 0], dtype=bool)})
    query = sa.text("SELECT name, is_group FROM partner WHERE code IN ('T1', 'T22', 'T333') ORDER BY code")
    assert [tuple(row) for row in session.execute(query)] == list(zip(names, (False, True, False), strict=True))


def test_no_rows_are_no_work(session: Session) -> None:
    assert copy_arrays(session, Score, {"run_id": 1, "series_id": np.array([], dtype=int)}) == 0


def test_a_row_that_breaks_a_rule_undoes_all_of_them(session: Session, run: Published) -> None:
    table: dict[str, Any] = {"series_id": run.series_ids[0], "forecaster": "x", "kind": "month", "metric": "bad"}
    columns = {**table, "run_id": run.run_id, "step": [1, 2], "level": 0.0, "value": [1.0, 2.0], "n": [1, 0]}
    with pytest.raises(psycopg.errors.CheckViolation), session.begin_nested():
        copy_arrays(session, Score, columns)
    assert stored(session, run, "bad") == []
