"""What is learnt from errors: widths, shape and what moves together, on errors whose law is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from forecasting.distribution import learn_distribution, learn_marginals, learn_widths, prior_scale
from forecasting.link import from_link, to_link, units

SERIES, FOLDS, HORIZON = 30, 60, 12


def known_law(seed=0, *, scales=None, growth=0.5, common=0.6):
    """Errors that grow with the step, share a common shock, and are random walks over the steps."""
    draw = np.random.default_rng(seed)
    scales = np.ones(SERIES) if scales is None else scales
    shared = draw.normal(size=(1, FOLDS, HORIZON))
    own = draw.normal(size=(len(scales), FOLDS, HORIZON))
    shocks = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    walk = np.cumsum(shocks, axis=2) / np.sqrt(np.arange(1, HORIZON + 1))
    return scales[:, None, None] * walk * np.arange(1, HORIZON + 1) ** growth


def test_widths_follow_the_scale_of_each_series_and_the_growth_of_all():
    scales = np.geomspace(0.05, 2.0, SERIES)
    width = learn_widths(known_law(scales=scales), np.full(SERIES, 0.3))
    mean_absolute = np.sqrt(2 / np.pi)
    assert_allclose(width[:, 0], mean_absolute * scales, rtol=0.45)
    assert_allclose(np.median(width[:, -1] / width[:, 0]), np.sqrt(HORIZON), rtol=0.15)


def test_without_any_error_the_prior_stands():
    nothing = np.full((4, 3, HORIZON), np.nan)
    width = learn_widths(nothing, np.array([0.1, 0.2, 0.3, 0.4]))
    assert_allclose(width[:, 0], [0.1, 0.2, 0.3, 0.4])
    assert (np.diff(width, axis=1) > 0).all()


def test_steps_not_seen_yet_carry_the_growth_on():
    errors = known_law()
    errors[:, :, 6:] = np.nan
    width = learn_widths(errors, np.ones(SERIES))
    ratio = width[:, -1] / width[:, 5]
    assert_allclose(ratio, np.sqrt(HORIZON / 6), rtol=0.25)


def test_a_series_seen_little_leans_on_the_others():
    errors = known_law()
    errors[0, 1:] = np.nan
    errors[0, 0] *= 30
    width = learn_widths(errors, np.ones(SERIES))
    assert width[0, 0] < 6 * np.median(width[:, 0])


def test_intervals_of_a_known_law_cover_what_they_say():
    marginals = learn_marginals(known_law(1), np.ones(SERIES))
    fresh = known_law(2)
    for level in (0.5, 0.8, 0.95):
        edge = marginals.standardised(np.array([0.5 + level / 2]))[0] * marginals.width
        assert np.mean(np.abs(fresh) <= edge[:, None]) == pytest.approx(level, abs=0.03)


def test_quantiles_rise_with_their_probability_far_into_the_tails():
    marginals = learn_marginals(known_law(1), np.ones(SERIES))
    probabilities = norm.cdf(np.linspace(-6, 6, 200))
    assert (np.diff(marginals.standardised(probabilities)) > 0).all()


def test_what_moves_together_is_kept_across_series_and_steps():
    learnt = learn_distribution(known_law(3, common=0.6), np.ones(SERIES))
    correlation = learnt.loadings @ learnt.loadings.T + np.diag(learnt.specific**2)
    assert_allclose(np.diag(correlation), 1.0, atol=1e-9)
    off = correlation[~np.eye(SERIES, dtype=bool)]
    assert off.mean() == pytest.approx(0.6, abs=0.12)
    steps = learnt.steps @ learnt.steps.T
    assert steps[5, 11] == pytest.approx(np.sqrt(6 / 12), abs=0.12)


def test_series_that_err_alone_are_drawn_alone():
    learnt = learn_distribution(known_law(4, common=0.0), np.ones(SERIES))
    correlation = learnt.loadings @ learnt.loadings.T
    assert abs(correlation[~np.eye(SERIES, dtype=bool)].mean()) < 0.05


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


def test_the_link_goes_there_and_back_and_treats_doubling_like_halving():
    values = np.array([[-50.0, 0.0, 1e-3, 5.0, 100.0, 200.0, 1e6]])
    unit = np.array([[10.0]])
    assert_allclose(from_link(to_link(values, unit), unit), values, atol=1e-12)
    up, down = (
        to_link(np.array([v]), np.array([10.0])) - to_link(np.array([100.0]), np.array([10.0])) for v in (200.0, 50.0)
    )
    assert_allclose(up, -down, rtol=0.02)


def test_units_look_only_at_months_up_to_the_cutoff():
    values = np.vstack([np.full(60, 100.0), np.r_[np.zeros(30), np.full(30, 50.0)]])
    before = units(values, np.array([20, 59]))
    values[:, 21:59] *= 7
    assert_allclose(units(values, np.array([20]))[:, 0], before[:, 0])
    assert before[1, 0] > 0
