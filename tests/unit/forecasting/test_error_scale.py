"""The error scale estimated from errors with a known distribution."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.uncertainty.error_scale import HALF_LIFE, PRIOR_GROWTH, estimate_error_scale, prior_scale
from tests.support.known_errors import FOLDS, HORIZON, SERIES, known_law, make_known_errors

MARCH = 2
PRIOR_FAR = np.sqrt(1 + PRIOR_GROWTH * (HORIZON - 1))


def growth_of(errors):
    """The mean growth of the scale over the horizon."""
    width = widths_of(errors)
    return float(np.mean(width[:, -1] / width[:, 0]))


def widths_of(errors, prior=None):
    """The scale of a horizon that begins in March: shape (series, horizon)."""
    return estimate_error_scale(make_known_errors(errors, prior)).of(MARCH + np.arange(HORIZON))


def test_the_scale_follows_each_series_and_the_shared_growth():
    scales = np.geomspace(0.05, 2.0, SERIES)
    width = widths_of(known_law(scales=scales), np.full(SERIES, 0.3))
    slope, _ = np.polyfit(np.log(scales), np.log(width[:, 0]), 1)
    assert 0.55 < slope < 0.95
    middle = np.sqrt(2 / np.pi) * np.sqrt(scales[0] * scales[-1])
    assert_allclose(np.exp(np.log(width[:, 0]).mean()), middle, rtol=0.15)
    assert_allclose(np.median(width[:, -1] / width[:, 0]), np.sqrt(HORIZON), rtol=0.25)


def test_without_errors_the_prior_is_used():
    nothing = np.full((4, 3, HORIZON), np.nan)
    width = widths_of(nothing, np.array([0.1, 0.2, 0.3, 0.4]))
    assert_allclose(width[:, 0], [0.1, 0.2, 0.3, 0.4])
    assert (np.diff(width, axis=1) > 0).all()


def test_growth_extends_to_steps_without_errors():
    errors = known_law()
    errors[:, :, 6:] = np.nan
    width = widths_of(errors)
    december = 9  # the steps after it have the factor of January and February
    expected = np.sqrt((1 + PRIOR_GROWTH * december) / (1 + PRIOR_GROWTH * 5))
    assert_allclose(width[:, december] / width[:, 5], expected)


def test_growth_compares_steps_of_the_same_folds():
    errors = known_law()
    errors[:, : FOLDS // 2] *= 5
    errors[:, FOLDS // 2 :, 3:] = np.nan
    assert PRIOR_FAR < growth_of(errors) < 1.25 * np.sqrt(HORIZON)


def test_near_steps_weigh_more_in_the_scale():
    errors = known_law()
    near, far = errors.copy(), errors.copy()
    near[..., :3] *= 2
    far[..., -3:] *= 2
    first, of_near, of_far = (widths_of(part)[:, 0] for part in (errors, near, far))
    assert (of_near / first > 1.1).all()
    assert (of_near > of_far).all()


def test_growth_never_falls():
    falling = known_law() / np.arange(1, HORIZON + 1)
    assert_allclose(growth_of(falling), 1.0, rtol=0.2)
    assert (np.diff(widths_of(falling)[:, :10], axis=1) >= 0).all()


def test_the_growth_of_few_folds_is_shrunk_to_the_prior_growth():
    steep = known_law() * np.arange(1, HORIZON + 1) ** 0.5
    few, many = steep[:, -12:], steep
    assert growth_of(few) < 0.8 * growth_of(many)
    assert growth_of(few) > PRIOR_FAR


def test_far_steps_of_few_outcomes_are_shrunk_to_the_prior_growth():
    errors = known_law()
    errors[:, 8:, 6:] = np.nan
    errors[:, :8, 6:] *= 5
    width = widths_of(errors)
    assert (width[:, -1] / width[:, 5] < 3 * np.sqrt(HORIZON / 6)).all()


def test_a_series_with_few_folds_is_shrunk_to_the_others():
    errors = known_law()
    errors[0, 1:] = np.nan
    errors[0, 0] *= 30
    width = widths_of(errors)
    assert width[0, 0] < 6 * np.median(width[:, 0])


def test_the_prior_scale_is_finite_whatever_the_history():
    linked = np.full((4, 30), np.nan)
    linked[0] = np.sin(np.arange(30))
    linked[1, -3:] = [1.0, 1.2, 1.1]
    linked[2, -1] = 1.0
    linked[3] = 0.0
    scale = prior_scale(linked)
    assert np.isfinite(scale).all()
    assert (scale > 0).all()
    assert (prior_scale(np.zeros((2, 30))) > 0).all()


def test_january_and_february_have_their_own_factor():
    errors = known_law(5)
    known = make_known_errors(errors)
    there = np.isin(known.months % 12, (0, 1))
    plain, wide = (
        estimate_error_scale(make_known_errors(np.where(there, factor * errors, errors))) for factor in (1.0, 3.0)
    )
    assert plain.new_year == pytest.approx(1.0, abs=0.15)
    assert wide.new_year == pytest.approx(3.0 ** (5 / 7), rel=0.15)
    months = MARCH + np.arange(HORIZON)
    ratio = wide.of(months) / wide.of(months + 2)
    assert_allclose(ratio[:, 8], wide.new_year**-1.0)
    assert_allclose(ratio[:, 10:], wide.new_year)
    assert_allclose(ratio[:, :8], 1.0)


def test_a_calmer_series_has_a_smaller_scale():
    errors = known_law(6)
    errors[0, FOLDS // 2 :] /= 4
    errors[1, : FOLDS // 2] /= 4
    width = widths_of(errors)[:, 0]
    assert width[0] < 0.6 * width[1]


def test_the_weight_of_an_error_halves_after_the_half_life():
    recency = make_known_errors(known_law()).recency
    assert_allclose(recency[-1 - int(HALF_LIFE)] / recency[-1], 0.5)


def test_folds_are_weighted_by_the_months_they_represent():
    errors = known_law(7, common=0.0)
    errors[:, FOLDS // 2 :] /= 4
    all_of_them = make_known_errors(errors)
    kept = np.r_[: FOLDS // 2, FOLDS // 2 : FOLDS : 3]
    seldom = replace(all_of_them, errors=errors[:, kept], cutoffs=all_of_them.cutoffs[kept])
    assert seldom.span.sum() == all_of_them.span.sum()
    often, rarely = (estimate_error_scale(value).of(value.ahead) for value in (all_of_them, seldom))
    assert_allclose(np.median(rarely / often), 1.0, atol=0.1)


def test_a_series_with_few_folds_is_shrunk_to_its_level():
    aggregation_level = np.repeat([0, 1], SERIES // 2)
    errors = known_law(8)
    errors[aggregation_level == 1] /= 10
    errors[-1, :-2] = np.nan
    prior = np.ones(SERIES)
    alone, grouped = (
        estimate_error_scale(make_known_errors(errors, prior, aggregation_level=value)).scale[-1]
        for value in (None, aggregation_level)
    )
    usual = np.median(
        estimate_error_scale(make_known_errors(errors, prior, aggregation_level=aggregation_level)).scale[
            aggregation_level == 1
        ]
    )
    assert alone > 1.3 * grouped
    assert grouped < 2 * usual


def test_a_fold_counts_once_whatever_its_steps():
    errors = np.ones((SERIES, FOLDS, HORIZON))
    errors[0, -2] = 4.0
    errors[0, -1, 0], errors[0, -1, 1:] = 4.0, np.nan
    first = estimate_error_scale(make_known_errors(errors)).scale[0]
    errors[0, [-1, -2]] = errors[0, [-2, -1]]
    # Only the order of the two folds differs.
    assert estimate_error_scale(make_known_errors(errors)).scale[0] == pytest.approx(first, rel=0.02)


@pytest.mark.parametrize("dead", [0.0, 1e-4])
def test_inactive_series_do_not_affect_the_others(dead):
    errors, prior = known_law(), np.full(SERIES, 0.3)
    among = np.concatenate([errors, np.full((SERIES, FOLDS, HORIZON), dead)])
    width = widths_of(among, np.full(2 * SERIES, 0.3))
    assert_allclose(width[:SERIES], widths_of(errors, prior))
    assert (width[SERIES:] < 0.01).all()
