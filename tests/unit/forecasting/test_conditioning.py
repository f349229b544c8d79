from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.analysis.conditioning import (
    Measure,
    impose,
    keep_within,
    tilt,
    tilting_weights,
    unusualness,
)
from forecasting.errors import Contradiction

PARTS, STEPS = 8, 12


def paths(seed: int, draws: int = 600) -> Any:
    """Parts that share a factor, each with shocks of its own that persist; levels differ by a factor of 50."""
    model = np.random.default_rng(5)
    level, loading = model.uniform(0, 4, (PARTS, 1, 1)), model.uniform(0.2, 1, (PARTS, 1, 1))
    rng = np.random.default_rng(seed)
    factor = 0.1 * rng.standard_normal((1, draws, 1))
    own = 0.08 * rng.standard_normal((PARTS, draws, 1)) + 0.04 * rng.standard_normal((PARTS, draws, STEPS)).cumsum(
        axis=2
    )
    return np.exp(level + loading * factor + own)


def measured(quantities: Callable[[Any], Any]) -> Measure:
    """Quantities of the parts themselves."""
    return Measure([quantities.__name__] * 2, np.eye(PARTS), quantities)


def first_year(simulated: np.ndarray) -> Any:
    return simulated[0].sum(axis=1)[:, None]


def total(simulated: np.ndarray) -> Any:
    return simulated.sum(axis=(0, 2))[:, None]


def growth_of_total(simulated: np.ndarray) -> Any:
    return 100 * (simulated[:, :, 6:].sum(axis=(0, 2)) / simulated[:, :, :6].sum(axis=(0, 2)) - 1)[:, None]


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), change=st.floats(-0.4, 0.5), measure=st.sampled_from([first_year, total]))
def test_a_value_holds_in_every_draw(seed: int, change: float, measure) -> None:
    simulated = paths(seed)
    target = measure(simulated).mean() * (1 + change)
    found = impose(simulated, measured(measure), np.full((simulated.shape[1], 1), target))
    assert_allclose(measure(found.paths), target, rtol=1e-4)
    assert (found.paths > 0).all()
    assert found.effective_draws >= 0.95 * simulated.shape[1]


def test_two_conditions_in_different_units_hold_together() -> None:
    simulated = paths(1)

    def both(x: np.ndarray) -> Any:
        return np.hstack([first_year(x), growth_of_total(x)])

    targets = np.array([0.8 * first_year(simulated).mean(), 5.0])
    found = impose(simulated, measured(both), np.broadcast_to(targets, (simulated.shape[1], 2)))
    assert_allclose(both(found.paths), np.broadcast_to(targets, (found.paths.shape[1], 2)), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("change", [-0.25, 0.2])
def test_conditional_moments_equal_those_of_a_filter_of_many_draws(change: float) -> None:
    simulated = paths(2, draws=2000)
    target = first_year(simulated).mean() * (1 + change)
    found = impose(simulated, measured(first_year), np.full((2000, 1), target)).paths.sum(axis=2)
    many = np.concatenate([paths(100 + block, draws=20_000).sum(axis=2) for block in range(10)], axis=1)
    near = many[:, np.abs(many[0] / target - 1) < 0.02]
    assert near.shape[1] > 300
    for part in range(1, PARTS):
        error = 4 * near[part].std() * np.sqrt(1 / near.shape[1] + 1 / 2000)
        assert abs(found[part].mean() - near[part].mean()) < error + 0.01 * near[part].mean()
        assert found[part].std() == pytest.approx(near[part].std(), rel=0.2)


def test_contradictory_conditions_are_refused() -> None:
    simulated = paths(3)

    def twice(x: np.ndarray) -> Any:
        return np.hstack([first_year(x), first_year(x)])

    mean = first_year(simulated).mean()
    with pytest.raises(Contradiction):
        impose(simulated, measured(twice), np.broadcast_to([mean, 1.2 * mean], (simulated.shape[1], 2)))


def test_a_condition_on_observed_months_is_refused() -> None:
    simulated = paths(3)
    with pytest.raises(Contradiction, match="observed"):
        impose(simulated, measured(lambda x: np.ones((x.shape[1], 1))), np.full((simulated.shape[1], 1), 2.0))


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), shift=st.floats(-0.1, 0.1))
def test_tilted_means_match_and_the_mean_itself_changes_nothing(seed: int, shift: float) -> None:
    stated = total(paths(seed))
    wanted = stated.mean(axis=0) + shift * stated.std(axis=0)
    weights = tilting_weights(stated, wanted)
    assert_allclose(weights @ stated, wanted, rtol=1e-8)
    assert_allclose(tilting_weights(stated, stated.mean(axis=0)), 1 / len(stated), rtol=1e-6)


def test_a_mean_keeps_every_moment_that_it_says_nothing_about() -> None:
    simulated = paths(4, draws=2000)
    stated = measured(total)
    same = tilt(simulated, stated, total(simulated).mean(axis=0), seed=1)
    assert same is not None
    assert_allclose(np.sort(total(same.paths), axis=0), np.sort(total(simulated), axis=0))
    moved = tilt(simulated, stated, total(simulated).mean(axis=0) + 0.3 * total(simulated).std(axis=0), seed=1)
    assert moved is not None
    assert total(moved.paths).std() == pytest.approx(total(simulated).std(), rel=0.15)


def test_a_mean_far_from_the_forecast_leaves_too_few_draws() -> None:
    simulated = paths(4)
    assert tilt(simulated, measured(total), np.array([1.6 * total(simulated).mean()]), seed=1) is None


@pytest.mark.parametrize("bound", [0.95, 0.6])
def test_a_bound_holds_in_every_draw_inside_or_far_outside_the_forecast(bound: float) -> None:
    simulated = paths(6)
    limit = bound * total(simulated).mean()
    found = keep_within(simulated, measured(total), np.array([-np.inf]), np.array([limit]), seed=1)
    assert (total(found.paths) <= limit * (1 + 1e-6)).all()
    assert total(found.paths).std() > 0


def test_unusualness_is_the_distance_from_the_mean() -> None:
    stated = total(paths(7))
    centre = unusualness(stated, stated.mean(axis=0))
    assert centre.distance == pytest.approx(0, abs=1e-9)
    assert centre.probability == pytest.approx(1)
    two = unusualness(stated, stated.mean(axis=0) + 2 * stated.std(axis=0))
    assert two.distance == pytest.approx(2)
    assert two.probability == pytest.approx(0.0455, abs=1e-3)
