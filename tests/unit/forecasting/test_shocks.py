"""Shocks: losses, and the gains of other partners."""

import numpy as np
from numpy.testing import assert_allclose

from forecasting.analysis.shocks import apply_shock, substitution_weights

HIT = np.array([1.0, 0.0, 0.0, 0.0])


def paths() -> np.ndarray:
    """Four parts of equal size: the shocked one, one that moves with it, one against it, and one that is fixed."""
    common = np.random.default_rng(3).normal(size=(400, 6))
    return 100 + np.stack([common, common, -common, np.zeros_like(common)])


def test_those_that_moved_against_the_shocked_trade_have_more_weight() -> None:
    assert_allclose(substitution_weights(paths(), HIT), [0.0, 0.0, 2.0, 1.0], atol=1e-9)


def test_diversion_goes_to_the_parts_by_weight_and_level() -> None:
    before, gains = paths(), substitution_weights(paths(), HIT) * (1 - HIT)
    after = apply_shock(before, np.full(400, -0.2), np.ones(6), HIT, gains, 0.5)
    lost, gained = (before - after)[0], (after - before)[1:]
    assert_allclose(lost, 0.2 * before[0])
    assert_allclose(gained.sum(axis=0), 0.5 * lost)
    assert_allclose(gained[0], 0.0, atol=1e-9)
    assert_allclose(gained[1] / gained[2], 2 * before[2] / before[3])


def test_without_weights_diversion_is_in_proportion_to_the_level() -> None:
    before, draws = paths(), np.full(400, -0.2)
    after = apply_shock(before, draws, np.ones(6), HIT, 1 - HIT, 1.0)
    assert_allclose(after.sum(axis=0), before.sum(axis=0))
    assert_allclose(after[1] / before[1], after[3] / before[3])
