"""The combination against an explicit loop; the data that a fold may use."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from forecasting.combination.prior_weights import prior_weights
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


def slow_winsorised_mean(values: FloatArray, weights: FloatArray) -> float:
    pairs = sorted(zip(values.tolist(), weights.tolist(), strict=True))
    below = np.cumsum([weight for _, weight in pairs])
    lo = next(value for (value, _), share in zip(pairs, below, strict=True) if share >= 0.25)
    hi = next(value for (value, _), share in zip(pairs, below, strict=True) if share >= 0.75)
    return float(sum(weight * min(max(value, lo), hi) for value, weight in pairs))


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


def test_prior_weights_may_differ_between_series_and_folds() -> None:
    given = problem()
    priors = np.ones((3, 10, 4))
    priors[1] = PRIORS
    _, weights = combine(*given, priors)
    assert_allclose(weights[0, 0], 0.25)
    assert_allclose(weights[1, 0], np.array(PRIORS) / 5.5)


def test_smoothing_counts_as_much_as_the_structural_forecasters_where_history_is_short() -> None:
    weights = prior_weights(("naive", "prophet", "ets", "ces", "structural"), np.array([[25, 59], [60, 100]]))
    short, usual = [1, 1, 3, 3, 3], [1, 3, 0.5, 1, 3]
    assert_array_equal(weights, [[short, short], [usual, usual]])


def test_an_inaccurate_forecaster_loses_weight() -> None:
    _, weights = combine(*problem(), PRIORS)
    assert (weights[:, -1, 1] < 0.01 * weights[:, 0, 1]).all()
    assert_allclose(weights.sum(axis=2), 1.0)


def test_an_extreme_forecast_is_winsorised() -> None:
    means, actuals, scale, cutoffs = problem(folds=1)
    wild = means.copy()
    wild[:, 2] = 1e12
    assert (combine(wild, actuals, scale, cutoffs, PRIORS)[0] <= means.max(axis=1)).all()


def planted(*, series: int, ratio: float, common: float, seed: int) -> Problem:
    """Three forecasters alike and a last one whose errors are smaller by a ratio; errors grow with the step.

    The share `common` of the errors' standard deviation is common to the steps and forecasters of a fold.
    """
    draw = np.random.default_rng(seed)
    folds, horizon = 13, 12
    cutoffs = np.arange(40, 40 + folds)
    values = 100.0 + draw.normal(size=(series, 40 + folds + horizon + 1)).cumsum(axis=1)
    actuals = values[:, cutoffs[:, None] + 1 + np.arange(horizon)]
    size = np.array([1.0, 1.0, 1.0, ratio])[:, None, None] * np.sqrt(1.0 + np.arange(horizon))
    shared = common * draw.normal(size=(series, 1, folds, 1))
    own = np.sqrt(1.0 - common**2) * draw.normal(size=(series, 4, folds, horizon))
    return actuals[:, None] + size * (shared + own), actuals, np.full((series, folds), 5.0), cutoffs


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("common", [0.0, 0.9])
@pytest.mark.parametrize(("series", "ratio"), [(1, 0.3), (3, 0.4), (12, 0.6), (40, 0.7)])
def test_a_far_better_forecaster_is_found_in_12_folds(series: int, ratio: float, common: float, seed: int) -> None:
    given = planted(series=series, ratio=ratio, common=common, seed=seed)
    _, weights = combine(*given, (3.0, 3.0, 3.0, 0.5))
    assert_allclose(weights[:, 0, 3], 0.5 / 9.5)
    assert (weights[:, -1, 3] > 0.8).all()


@pytest.mark.parametrize("seed", range(5))
def test_equal_weights_replace_a_worse_prior(seed: int) -> None:
    draw = np.random.default_rng(seed)
    series, folds, horizon = 60, 40, 4
    cutoffs = np.arange(40, 40 + folds)
    actuals = 100.0 + draw.normal(size=(series, folds, horizon))
    # The first two share their errors, so that a prior on them wastes the information of the others.
    noise = draw.normal(size=(series, 4, folds, horizon))
    noise[:, 1] = noise[:, 0]
    given = actuals[:, None] + noise, actuals, np.full((series, folds), 2.0), cutoffs
    _, weights = combine(*given, (3.0, 3.0, 1.0, 1.0))
    assert_allclose(weights[:, 0], np.tile([3 / 8, 3 / 8, 1 / 8, 1 / 8], (series, 1)))
    assert_allclose(weights[:, -1], 0.25, atol=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_similar_forecasters_keep_their_priors(seed: int) -> None:
    given = planted(series=5, ratio=1.0, common=0.995, seed=seed)
    _, weights = combine(*given, PRIORS)
    assert_allclose(weights[:, -1], weights[:, 0], rtol=0.3)


def test_common_shocks_are_weak_evidence() -> None:
    draw = np.random.default_rng(1)
    series, folds, horizon = 40, 24, 6
    cutoffs = np.arange(40, 40 + folds)
    actuals = np.full((series, folds, horizon), 100.0)
    size = np.array([1.0, 1.0, 1.0, 0.9])[:, None, None]
    apart = size * draw.normal(size=(series, 4, folds, horizon))
    together = np.broadcast_to(apart[:1], apart.shape)
    scale = np.full((series, folds), 2.0)
    weight = [combine(actuals[:, None] + errors, actuals, scale, cutoffs, PRIORS)[1] for errors in (apart, together)]
    assert (weight[0][:, -1, 3] > 1.5 * weight[1][:, -1, 3]).all()


def test_late_forecasters_are_compared_on_their_folds() -> None:
    means, actuals, scale, cutoffs = problem(series=10, folds=20)
    # The second half of the folds is hard for everyone, and the last forecaster exists in that half alone.
    means[:, :, 10:] = actuals[:, None, 10:] + 3 * (means[:, :, 10:] - actuals[:, None, 10:])
    means[:, 3, :10] = np.nan
    _, weights = combine(means, actuals, scale, cutoffs, PRIORS)
    assert (weights[:, -1, 3] > 0.7 * weights[:, -1, 0] / 3).all()


@pytest.mark.parametrize("seed", range(5))
def test_units_and_order_of_series_do_not_matter(seed: int) -> None:
    means, actuals, scale, cutoffs = problem(series=8, seed=seed)
    order = np.random.default_rng(seed).permutation(8)
    centre, weights = combine(means, actuals, scale, cutoffs, PRIORS)
    other, others = combine(1e3 * means[order], 1e3 * actuals[order], 1e3 * scale[order], cutoffs, PRIORS)
    assert_allclose(other, 1e3 * centre[order], rtol=1e-4)
    assert_allclose(others, weights[order], rtol=1e-3, atol=1e-6)


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
