"""Scores as rows: each with the sampling error that the cutoffs behind it leave."""

import numpy as np
from numpy.testing import assert_allclose

from services.backtests.backtest_summary import coverage_rows, pivot_by_step
from store.queries.backtests import ScoreRow


def coverage(step: int, value: float, n: int, *, series: int = 1, level: float = 80.0) -> ScoreRow:
    return ScoreRow(None, "combination", step, "coverage", level, value, None, n, series)


def error(value: float, cutoffs: int) -> float:
    """Two standard errors of a share, two cases added to each side."""
    centre = (value * cutoffs + 2) / (cutoffs + 4)
    return float(2 * np.sqrt(centre * (1 - centre) / (cutoffs + 4)))


def test_a_late_step_has_fewer_cutoffs_behind_it() -> None:
    early, late = coverage_rows([coverage(1, 0.75, 24), coverage(24, 0.75, 1)], folds=24)
    assert_allclose([early["error"], late["error"]], [error(0.75, 24), error(0.75, 1)])


def test_a_cutoff_is_one_case_however_many_series_and_steps_it_has() -> None:
    (pooled,) = coverage_rows([coverage(0, 0.8, 24 * 12 * 30, series=30)], folds=24)
    assert_allclose(pooled["error"], error(0.8, 24))


def test_bounds_of_a_share_stay_shares() -> None:
    (row,) = coverage_rows([coverage(1, 1.0, 4)], folds=4)
    assert row["hi"] == 1.0
    assert 0 < row["lo"] < 1


def test_levels_share_a_row_with_the_largest_error() -> None:
    rows = coverage_rows([coverage(1, 0.5, 9, level=50.0), coverage(1, 1.0, 9, level=95.0)], folds=9)
    assert pivot_by_step(rows, "level") == [{"step": 1, "n": 9, "50": 0.5, "95": 1.0, "error": rows[0]["error"]}]
