"""The combination against an explicit loop; the data that a fold may use."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from forecasting.combination import weights
from forecasting.combination.weights import combine
from forecasting.types import FloatArray

PRIORS = (3.0, 1.0, 0.5, 1.0)
Problem = tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]]


def problem(*, series: int = 3, folds: int = 10, horizon: int = 4, seed: int = 3) -> Problem:
    """Four forecasters, the second ten times as wrong as the others, of values around 100."""
    draw = np.random.default_rng(seed)
    cutoffs = np.arange(40, 40 + folds)
    values = 100.0 + draw.normal(size=(series, 40 + folds + horizon + 1)).cumsum(axis=1)
    ahead = cutoffs[:, None] + 1 + np.arange(horizon)
    actuals = values[:, ahead]
    noise = np.array([1.0, 10.0, 1.0, 1.0])[:, None, None]
    means = actuals[:, None] + noise * draw.normal(size=(series, 4, folds, horizon))
    return means, actuals, np.full((series, folds), 2.0), cutoffs


def slow_worth(problem: Problem, fold: int) -> FloatArray:
    means, actuals, scale, cutoffs = problem
    worth = []
    for row, prior in enumerate(PRIORS):
        errors = [
            min(abs(means[s, row, k, h] - actuals[s, k, h]) / scale[s, k], weights.CAP)
            for s in range(len(means))
            for k in range(len(cutoffs))
            for h in range(means.shape[3])
            if cutoffs[k] + h + 1 <= cutoffs[fold]
        ]
        mean = np.mean(errors) if errors else 1.0
        worth.append(prior * mean**-weights.POWER)
    shares: FloatArray = np.array(worth) / np.sum(worth)
    return shares


def slow_winsorised_mean(values: FloatArray, weights: FloatArray) -> float:
    pairs = sorted(zip(values.tolist(), weights.tolist(), strict=True))
    below = np.cumsum([weight for _, weight in pairs])
    lo = next(value for (value, _), share in zip(pairs, below, strict=True) if share >= 0.25)
    hi = next(value for (value, _), share in zip(pairs, below, strict=True) if share >= 0.75)
    return float(sum(weight * min(max(value, lo), hi) for value, weight in pairs))


def test_weights_are_priors_over_a_power_of_the_known_error() -> None:
    given = problem()
    _, weights = combine(*given, PRIORS)
    for fold in range(weights.shape[1]):
        assert_allclose(weights[:, fold], np.tile(slow_worth(given, fold), (3, 1)))


def test_the_centre_is_the_winsorised_weighted_mean() -> None:
    given = problem()
    centre, weights = combine(*given, PRIORS)
    for index in np.ndindex(*centre.shape):
        s, k, h = index
        assert_allclose(centre[index], slow_winsorised_mean(given[0][s, :, k, h], weights[s, k]))


@pytest.mark.parametrize("fold", [0, 1, 4, 9])
def test_weights_of_a_fold_never_see_the_future(fold: int) -> None:
    means, actuals, scale, cutoffs = problem()
    planted_means, planted = means.copy(), actuals.copy()
    later = cutoffs[:, None] + 1 + np.arange(actuals.shape[2]) > cutoffs[fold]
    planted[:, later] *= 50.0
    planted_means[:, :, fold + 1 :] *= 7.0
    before = combine(means, actuals, scale, cutoffs, PRIORS)
    after = combine(planted_means, planted, scale, cutoffs, PRIORS)
    for first, second in zip(before, after, strict=True):
        assert_array_equal(first[:, : fold + 1], second[:, : fold + 1])
    assert not np.allclose(before[1][:, -1], after[1][:, -1]) or fold == 9


def test_actuals_not_yet_known_change_nothing() -> None:
    means, actuals, scale, cutoffs = problem()
    unknown = actuals.copy()
    unknown[:, cutoffs[:, None] + 1 + np.arange(4) > cutoffs[-1]] = np.nan
    for first, second in zip(
        combine(means, actuals, scale, cutoffs, PRIORS), combine(means, unknown, scale, cutoffs, PRIORS), strict=True
    ):
        assert_array_equal(first, second)


def test_without_scores_the_prior_weights_apply() -> None:
    means, actuals, scale, cutoffs = problem()
    _, weights = combine(means, actuals, scale, cutoffs, PRIORS)
    assert_allclose(weights[:, 0], np.tile([3 / 5.5, 1 / 5.5, 0.5 / 5.5, 1 / 5.5], (3, 1)))


def test_an_inaccurate_forecaster_loses_weight() -> None:
    _, weights = combine(*problem(), PRIORS)
    assert (weights[:, -1, 1] < 0.2 * weights[:, 0, 1]).all()
    assert_allclose(weights.sum(axis=2), 1.0)


def test_an_extreme_forecast_is_winsorised() -> None:
    means, actuals, scale, cutoffs = problem(folds=1)
    wild = means.copy()
    wild[:, 2] = 1e12
    assert (combine(wild, actuals, scale, cutoffs, PRIORS)[0] <= means.max(axis=1)).all()


def test_a_large_error_counts_as_the_cap() -> None:
    means, actuals, scale, cutoffs = problem()
    bust, worse = means.copy(), means.copy()
    bust[0, 0, 0, 0], worse[0, 0, 0, 0] = 1e3, 1e15
    assert_array_equal(
        combine(bust, actuals, scale, cutoffs, PRIORS)[1], combine(worse, actuals, scale, cutoffs, PRIORS)[1]
    )


def test_a_missing_forecast_is_excluded() -> None:
    means, actuals, scale, cutoffs = problem()
    means[1, 0] = np.nan
    centre, weights = combine(means, actuals, scale, cutoffs, PRIORS)
    assert (weights[1, :, 0] == 0).all()
    assert_allclose(weights.sum(axis=2), 1.0)
    assert np.isfinite(centre).all()
    assert (weights[0, :, 0] > 0).all()


def test_a_series_without_forecasts_is_nan() -> None:
    means, actuals, scale, cutoffs = problem()
    means[2, :, 3] = np.nan
    centre, weights = combine(means, actuals, scale, cutoffs, PRIORS)
    assert np.isnan(centre[2, 3]).all()
    assert (weights[2, 3] == 0).all()
    assert np.isfinite(np.delete(centre, 3, axis=1)).all()


def test_a_scale_of_zero_or_nan_is_excluded() -> None:
    means, actuals, scale, cutoffs = problem()
    scale[0], scale[1] = 0.0, np.nan
    centre, weights = combine(means, actuals, scale, cutoffs, PRIORS)
    assert np.isfinite(centre).all()
    assert np.isfinite(weights).all()


def test_agreement_is_kept() -> None:
    means, actuals, scale, cutoffs = problem()
    means[:] = means[:, :1]
    assert_allclose(combine(means, actuals, scale, cutoffs, PRIORS)[0], means[:, 0])
