import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.analysis.contributions import contributions, mean_and_interval


def parts(seed: int, count: int, draws: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.lognormal(2, 1, (count, draws)), rng.lognormal(2, 1, (count, 1)) * np.ones((1, draws))


@given(seed=st.integers(0, 10**6), count=st.integers(1, 12))
def test_mean_contributions_sum_to_the_mean_growth_of_the_whole(seed: int, count: int) -> None:
    level, base = parts(seed, count)
    found = contributions(level, base, level.sum(axis=0), base.sum(axis=0))
    assert_allclose(found.contribution.mean(axis=1).sum(), found.whole_growth.mean())
    assert_allclose(found.share.sum(axis=0), 100)


@given(seed=st.integers(0, 10**6), count=st.integers(1, 12))
def test_shift_share_splits_every_change_and_own_shares_cancel_out(seed: int, count: int) -> None:
    level, base = parts(seed, count)
    found = contributions(level, base, level.sum(axis=0), base.sum(axis=0))
    assert_allclose(found.at_whole_rate + found.own, found.change)
    assert_allclose(found.own.sum(axis=0), 0, atol=1e-9 * level.sum())


def test_a_part_that_grows_as_the_whole_has_no_own_change() -> None:
    level, base = np.array([[11.0], [22.0]]), np.array([[10.0], [20.0]])
    found = contributions(level, base, level.sum(axis=0), base.sum(axis=0))
    assert_allclose(found.own, 0, atol=1e-12)
    assert_allclose(found.growth, 10)


def test_growth_is_not_defined_from_nothing() -> None:
    found = contributions(np.array([[5.0], [8.0]]), np.array([[0.0], [10.0]]), np.array([13.0]), np.array([10.0]))
    assert mean_and_interval(found.growth[0], [0.1]) is None
    assert mean_and_interval(found.contribution[0], [0.1]) == (50.0, [50.0])


@pytest.mark.parametrize(("whole", "whole_base"), [(None, None), (np.ones(2), np.array([1.0, 0.0]))])
def test_without_a_positive_whole_only_changes_and_growth_are_known(
    whole: np.ndarray | None, whole_base: np.ndarray | None
) -> None:
    found = contributions(np.full((1, 2), 3.0), np.full((1, 2), 2.0), whole, whole_base)
    assert found.change.tolist() == [[1.0, 1.0]]
    assert_allclose(found.growth, 50)
    assert np.isnan(found.contribution).all()
    assert np.isnan(found.whole_growth).all()


def test_the_mix_is_what_the_group_adds_to_its_members() -> None:
    """A group of two that grows by 20 % in a whole that grows by 10 %; the second member does not grow."""
    level, base = np.array([[60.0], [40.0], [20.0]]), np.array([[50.0], [30.0], [20.0]])
    found = contributions(level, base, np.array([110.0]), np.array([100.0]), [None, 0, 0])
    assert found.mix[:, 0] == pytest.approx([0, 3, 2])
    assert found.own[:, 0] == pytest.approx([5, 4, -4])
    assert_allclose(found.at_whole_rate + found.mix + found.own, found.change)
