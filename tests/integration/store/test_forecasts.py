from typing import Any

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from numpy.testing import assert_array_equal
from sqlmodel import Session

from forecasting.config import PROBABILITIES
from store.binary_copy import copy_arrays
from store.models import Forecast
from store.queries import forecasts
from tests.support.factories import Published, build_catalog, publish_run


@pytest.fixture
def run(session: Session) -> Published:
    build_catalog(session)
    return publish_run(session, "CN_CLEANTECH")


def test_what_was_written_is_read(session: Session, run: Published) -> None:
    ids = [int(entry) for entry in run.series_ids[[4, 1]]]
    rows = list(forecasts.months(session, run.run_id, ids, horizon=6, probabilities=PROBABILITIES))
    assert [(row.series_id, row.step) for row in rows] == [(i, step) for i in sorted(ids) for step in range(1, 7)]
    for row in rows:
        position = list(run.series_ids).index(row.series_id)
        assert row.mean == run.mean[position, row.step - 1]
        assert row.median == run.median[position, row.step - 1]
        assert_array_equal(row.quantiles, run.quantiles[position, :, row.step - 1])


def test_only_the_steps_and_probabilities_asked_for_are_read(session: Session, run: Published) -> None:
    entry = [int(run.series_ids[0])]
    rows = list(forecasts.months(session, run.run_id, entry, horizon=2, probabilities=(0.1, 0.9)))
    assert [row.step for row in rows] == [1, 2]
    assert_array_equal([row.quantiles for row in rows], run.quantiles[0][[2, 6], :2].T)


def test_a_month_stands_where_its_step_says(session: Session, run: Published) -> None:
    stored = session.execute(
        sa.text("SELECT DISTINCT step, month FROM forecast WHERE run_id = :run"), {"run": run.run_id}
    )
    assert {tuple(row) for row in stored} == {
        (step, month.astype(object)) for step, month in enumerate(run.months, start=1)
    }


def test_paths_come_in_the_order_asked_for_on_the_grid_of_their_month(session: Session, run: Published) -> None:
    order = [5, 0, 11]
    found, written = forecasts.paths(session, run.run_id, run.series_ids[order].tolist()), run.paths[order]
    assert (np.abs(found - written) <= np.ptp(written, axis=1, keepdims=True) / 65_534 + 1e-7 * written).all()
    assert_array_equal(found.min(axis=1), written.min(axis=1))


def test_paths_of_a_series_not_covered_are_an_error(session: Session, run: Published) -> None:
    with pytest.raises(KeyError):
        forecasts.paths(session, run.run_id, [int(run.series_ids[0]), 999_999])


def test_coverage_names_everything_in_order(session: Session, run: Published) -> None:
    covered = forecasts.coverage(session, run.run_id)
    assert [f"CN_CLEANTECH.{s.flow}.{s.partner}.{s.sector}" for s in covered.series] == sorted(run.unique_ids)
    assert covered.partners["DEU"] == "Germany"
    assert covered.sectors["EV"] == "Electric vehicles"
    assert covered.unit == "USD m"
    assert covered.probabilities == PROBABILITIES
    assert covered.backfilled


def test_weights_are_read_by_series(session: Session, run: Published) -> None:
    entry = int(run.series_ids[0])
    assert forecasts.weights(session, run.run_id, [entry]) == {entry: {"seasonal_naive": 0.25, "theta": 0.75}}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_cannot_be_stored(session: Session, run: Published, value: float) -> None:
    row: dict[str, Any] = {
        "run_id": run.run_id,
        "series_id": run.series_ids[:1],
        "month": np.array(["2030-01"], dtype="datetime64[M]"),
        "step": 1,
        "mean": value,
        "median": 1.0,
    }
    with pytest.raises(psycopg.errors.CheckViolation), session.begin_nested():
        copy_arrays(session, Forecast, row)


def test_deleting_a_run_deletes_all_that_was_written_for_it(session: Session, run: Published) -> None:
    session.connection().exec_driver_sql(f"DELETE FROM run WHERE id = {run.run_id}")
    assert not list(forecasts.months(session, run.run_id, run.series_ids.tolist(), horizon=6, probabilities=(0.5,)))
