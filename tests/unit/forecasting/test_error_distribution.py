"""Scale, shape and dependence estimated from errors with a known distribution."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg
from scipy.special import ndtri
from scipy.stats import norm

from forecasting.evaluation import chunks
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform, transform_units
from forecasting.uncertainty.error_distribution import (
    RANK,
    SCALE_DEVIATION,
    SHAPE_PROBABILITIES,
    learn_distribution,
    learn_marginals,
    with_uncertain_scale,
)
from forecasting.uncertainty.error_scale import estimate_error_scale
from tests.support.known_errors import FOLDS, SERIES, known_law, make_known_errors


def test_intervals_of_a_known_law_have_nominal_coverage():
    levels = (0.5, 0.8, 0.95)
    covered = []
    for seed in range(0, 16, 2):
        marginals = learn_marginals(make_known_errors(known_law(seed)))
        edges = marginals.standardised(0.5 + np.array(levels) / 2)
        covered.append([np.mean(np.abs(known_law(seed + 1)) <= edge * marginals.width[:, None]) for edge in edges])
    assert_allclose(np.mean(covered, axis=0), levels, atol=0.03)


def test_quantiles_increase_into_the_tails():
    marginals = learn_marginals(make_known_errors(known_law(1)))
    probabilities = norm.cdf(np.linspace(-6, 6, 200))
    assert (np.diff(marginals.standardised(probabilities)) > 0).all()


def test_dependence_across_series_and_steps_is_estimated():
    learnt = learn_distribution(make_known_errors(known_law(3, common=0.6)))
    correlation = learnt.loadings @ learnt.loadings.T + np.diag(learnt.specific**2)
    assert_allclose(np.diag(correlation), 1.0, atol=1e-9)
    off = correlation[~np.eye(SERIES, dtype=bool)]
    assert off.mean() == pytest.approx(0.6, abs=0.12)
    steps = learnt.steps @ learnt.steps.T
    assert steps[5, 11] == pytest.approx(np.sqrt(6 / 12), abs=0.12)


def test_correlation_that_ended_is_forgotten():
    errors = known_law(9, common=0.9)
    errors[:, FOLDS // 2 :] = known_law(10, common=0.0)[:, FOLDS // 2 :]
    learnt = learn_distribution(make_known_errors(errors))
    off = (learnt.loadings @ learnt.loadings.T)[~np.eye(SERIES, dtype=bool)]
    assert abs(off.mean()) < 0.1


def test_independent_series_get_no_correlation():
    learnt = learn_distribution(make_known_errors(known_law(4, common=0.0)))
    correlation = learnt.loadings @ learnt.loadings.T
    assert abs(correlation[~np.eye(SERIES, dtype=bool)].mean()) < 0.05


def test_the_transform_inverts_and_is_symmetric_in_logs():
    values = np.array([[-50.0, 0.0, 1e-3, 5.0, 100.0, 200.0, 1e6]])
    unit = np.array([[10.0]])
    assert_allclose(inverse_transform(transform(values, unit), unit), values, atol=1e-12)
    up, down = (
        transform(np.array([v]), np.array([10.0])) - transform(np.array([100.0]), np.array([10.0]))
        for v in (200.0, 50.0)
    )
    assert_allclose(up, -down, rtol=0.02)


def test_units_use_only_months_up_to_the_cutoff():
    values = np.vstack([np.full(60, 100.0), np.r_[np.zeros(30), np.full(30, 50.0)]])
    before = transform_units(values, np.array([20, 59]))
    values[:, 21:59] *= 7
    assert_allclose(transform_units(values, np.array([20]))[:, 0], before[:, 0])
    assert before[1, 0] > 0


def test_an_uncertain_scale_makes_tails_heavier():
    draw = np.random.default_rng(4)
    normal = ndtri(SHAPE_PROBABILITIES) / np.sqrt(2 / np.pi)
    found = with_uncertain_scale(normal)
    factor = np.exp(SCALE_DEVIATION * draw.standard_normal(400_000))
    drawn = draw.standard_normal(400_000) / np.sqrt(2 / np.pi) * factor
    inside = (SHAPE_PROBABILITIES > 0.004) & (SHAPE_PROBABILITIES < 0.996)
    assert_allclose(found[inside], np.quantile(drawn, SHAPE_PROBABILITIES[inside]), atol=0.02)
    assert_allclose(found, -found[::-1], atol=1e-12)
    assert found[-1] > 1.05 * normal[-1]
    assert (np.diff(found) >= 0).all()


def test_errors_of_zero_keep_a_shape_of_zero():
    assert_array_equal(with_uncertain_scale(np.zeros(len(SHAPE_PROBABILITIES))), 0.0)


def test_a_large_panel_in_blocks_has_the_distribution_of_one_block(monkeypatch):
    scales = np.exp(np.random.default_rng(5).normal(size=90))
    known = make_known_errors(known_law(5, scales=scales)[:, -8:, :10], aggregation_level=np.arange(90) % 2)
    given = np.broadcast_to(scales[:, None, None], known.errors.shape)
    whole = learn_distribution(known, given)
    monkeypatch.setattr(chunks, "ERROR_BLOCK_VALUES", 700)
    assert len(list(chunks.error_blocks(known.errors))) == 12
    many = learn_distribution(known, given)
    assert_allclose(many.marginals.width, whole.marginals.width, rtol=1e-12)
    assert_allclose(many.marginals.shape, whole.marginals.shape, rtol=1e-12)
    assert_allclose(many.steps, whole.steps, atol=1e-12)
    # More series than errors: the factors come from cross products.
    left, singular, _ = linalg.svd(directions(known), full_matrices=False)
    loadings = (left * singular)[:, :RANK]
    assert_allclose(many.loadings @ many.loadings.T, loadings @ loadings.T, atol=1e-9)


def directions(known):
    """Standardised errors, each series with the length one."""
    scale = estimate_error_scale(known)
    flat = (np.clip(known.errors / scale.of(known.months), -4, 4) * np.sqrt(known.recency)[:, None]).reshape(90, -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)
