"""The drift correction follows bias that persists, ignores bias that does not, and never sees the future."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.combination.drift_correction import correct_drift
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

CUTOFFS = np.arange(30, 90)


def problem(*, persistence, series=12, horizon=6, seed=0):
    """Forecasts of 100 whose errors are a bias that changes slowly or at once, plus noise."""
    draw = np.random.default_rng(seed)
    months = CUTOFFS[-1] + horizon + 1
    bias = np.zeros((series, months))
    for month in range(1, months):
        shock = np.sqrt(1 - persistence**2) * draw.normal(size=series)
        bias[:, month] = persistence * bias[:, month - 1] + 0.1 * shock
    ahead = CUTOFFS[:, None] + 1 + np.arange(horizon)
    unit = np.full((series, len(CUTOFFS)), 10.0)
    centre = np.full((series, len(CUTOFFS), horizon), 100.0)
    errors = bias[:, ahead] + 0.02 * draw.normal(size=centre.shape)
    actual = inverse_transform(transform(centre, unit[..., None]) + errors, unit[..., None])
    actual[:, ahead > CUTOFFS[-1]] = np.nan
    return {"centre": centre, "actual": actual, "transform_unit": unit, "cutoffs": CUTOFFS}


def error(given, centre):
    return np.nanmean(np.abs(given["actual"][:, 36:] - centre[:, 36:]))


@pytest.mark.parametrize("seed", range(3))
def test_persistent_bias_is_reduced(seed):
    given = problem(persistence=0.98, seed=seed)
    assert error(given, correct_drift(**given)) < 0.9 * error(given, given["centre"])


@pytest.mark.parametrize("seed", range(5))
def test_bias_that_does_not_persist_changes_nothing(seed):
    given = problem(persistence=0.0, seed=seed)
    assert error(given, correct_drift(**given)) <= 1.002 * error(given, given["centre"])


def test_the_correction_is_a_part_of_the_bias():
    given = problem(persistence=0.98)
    unit = given["transform_unit"][..., None]
    moved = transform(correct_drift(**given), unit) - transform(given["centre"], unit)
    assert 0.01 < np.abs(moved).max() < 0.3


@pytest.mark.parametrize("fold", [10, 30, 50])
def test_a_fold_never_sees_the_future(fold):
    given = problem(persistence=0.98)
    planted = given["actual"].copy()
    planted[:, CUTOFFS[:, None] + 1 + np.arange(planted.shape[2]) > CUTOFFS[fold]] *= 3.0
    centre = given["centre"].copy()
    centre[:, fold + 1 :] *= 2.0
    after = correct_drift(**(given | {"actual": planted, "centre": centre}))
    assert_array_equal(after[:, : fold + 1], correct_drift(**given)[:, : fold + 1])


def test_discontinued_and_unknown_series_stay_as_they_are():
    given = problem(persistence=0.98)
    given["centre"][0] = 0.0
    given["centre"][1] = np.nan
    corrected = correct_drift(**given)
    assert (corrected[0] == 0).all()
    assert np.isnan(corrected[1]).all()
    assert np.isfinite(corrected[2:]).all()


@pytest.mark.parametrize("folds", [1, 2, 7])
def test_few_folds_change_nothing(folds):
    given = problem(persistence=0.98)
    few = {name: given[name][:, :folds] for name in ("centre", "actual", "transform_unit")}
    assert_array_equal(correct_drift(**few, cutoffs=CUTOFFS[:folds]), few["centre"])
