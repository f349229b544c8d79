from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sqlmodel import Session

from store.queries import backtests
from tests.support.factories import FORECASTERS, Published, build_catalog, publish_run

GRID = 3e-5
"""Scores are stored on grids of 65,535 values, which span the steps of a metric."""


@pytest.fixture
def run(session: Session) -> Published:
    build_catalog(session)
    return publish_run(session, "CN_CLEANTECH")


def rows(session: Session, run: Published, by: backtests.By) -> list[backtests.ScoreRow]:
    ids = run.series_ids[:3].tolist()
    return backtests.scores(
        session, run.run_id, ids, by=by, kind="month", forecaster="combination", baseline="seasonal_naive"
    )


def slow_mean(run: Published, forecaster: str, step: int, metric: str, level: float, series: list[int]) -> float:
    """The mean score by a plain loop over the rows written."""
    wanted = {"forecaster": forecaster, "step": step, "metric": metric, "level": level}
    found = [row["value"] for row in run.scores if row["series_id"] in series and wanted.items() <= row.items()]
    return float(np.mean(found))


@pytest.mark.parametrize("by", ["step", "forecaster", "series"])
def test_mean_scores_agree_with_a_plain_loop_beside_the_baseline(
    session: Session, run: Published, by: backtests.By
) -> None:
    found = rows(session, run, by)
    ids = run.series_ids[:3].tolist()
    for row in found:
        series = ids if row.series_id is None else [row.series_id]
        key = (row.step, row.metric, row.level, series)
        assert_allclose(row.value, slow_mean(run, row.forecaster, *key), rtol=GRID)
        assert_allclose(np.float64(row.baseline), slow_mean(run, "seasonal_naive", *key), rtol=GRID)
        assert row.series == len(series)
        assert row.n == len(series) * (4 if row.step else 10)


def test_by_step_has_every_step_of_the_combination(session: Session, run: Published) -> None:
    found = rows(session, run, "step")
    assert sorted({row.step for row in found}) == [1, 2, 3, 4, 5, 6]
    assert {row.forecaster for row in found} == {"combination"}
    assert {row.level for row in found if row.metric == "coverage"} == {50, 80, 90, 95}


def test_by_forecaster_pools_the_steps_of_each(session: Session, run: Published) -> None:
    found = rows(session, run, "forecaster")
    assert {row.forecaster for row in found} == set(FORECASTERS)
    assert {row.step for row in found} == {0}


def test_by_series_has_each_series(session: Session, run: Published) -> None:
    assert {row.series_id for row in rows(session, run, "series")} == set(run.series_ids[:3].tolist())


def test_a_score_that_could_not_be_computed_is_left_out(session: Session, run: Published) -> None:
    last = int(run.series_ids[-1])
    found = backtests.scores(
        session, run.run_id, [last], by="step", kind="month", forecaster="combination", baseline="seasonal_naive"
    )
    coverage = [(row.step, row.level) for row in found if row.metric == "coverage"]
    assert (5, 95) in coverage
    assert (6, 95) not in coverage


def test_folds_leave_out_the_cutoff_whose_months_are_all_to_come(session: Session, run: Published) -> None:
    folds = backtests.folds(session, run.run_id, run.series_ids.tolist())
    assert folds == (4, date(2025, 8, 1), date(2025, 11, 1))
    assert backtests.folds(session, run.run_id, [999_999]) == (0, None, None)


def test_means_of_a_cutoff_are_a_slice_of_those_of_all(session: Session, run: Published) -> None:
    ids = run.series_ids.tolist()
    whole = backtests.fold_means(session, run.run_id, ids)
    assert {fold.forecaster for fold in whole} == set(FORECASTERS)
    assert whole == sorted(whole, key=lambda fold: (fold.cutoff, fold.forecaster, fold.series_id))
    for cutoff in (date(2025, 8, 1), date(2025, 12, 1), date(2025, 7, 1)):
        found = backtests.fold_means(session, run.run_id, ids, cutoff=cutoff)
        assert found == [fold for fold in whole if fold.cutoff == cutoff]
    own = backtests.fold_means(session, run.run_id, ids, cutoff=date(2025, 12, 1))
    assert all(actual is None for fold in own for actual in fold.actuals)
    # One forecaster has no forecast of the first series at the first fold.
    first = backtests.fold_means(session, run.run_id, ids[:1], cutoff=date(2025, 8, 1))
    assert {fold.forecaster for fold in first} == {*FORECASTERS} - {"theta"}
