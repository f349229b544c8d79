"""Units of the arsinh transform of series with negative months."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.uncertainty.arsinh_transform import BALANCE_SHARE, UNIT_SHARE, transform, transform_units

SEEDS = st.integers(0, 2**32 - 1)


def unit_of(values):
    return float(transform_units(values[None], np.array([len(values) - 1]))[0, 0])


@given(SEEDS, st.floats(1e-3, 1e6))
def test_a_balance_around_zero_is_on_a_linear_scale(seed, level):
    values = level * np.random.default_rng(seed).normal(size=60)
    unit = unit_of(values)
    assert unit > 0.25 * BALANCE_SHARE * np.abs(values[-36:]).mean()
    # A change of the same size has the same length near zero and far from it.
    near, far = transform(np.array([0.0, level]), unit), transform(np.array([2 * level, 3 * level]), unit)
    assert np.diff(far)[0] == pytest.approx(np.diff(near)[0], rel=0.65)


@given(SEEDS)
def test_series_of_one_sign_keep_their_unit(seed):
    values = np.random.default_rng(seed).gamma(2.0, 50.0, 60)
    usual = UNIT_SHARE * values[-36:].mean()
    assert unit_of(values) == pytest.approx(usual)
    assert unit_of(-values) == pytest.approx(usual)


@given(SEEDS)
def test_one_negative_month_leaves_the_unit(seed):
    values = np.random.default_rng(seed).gamma(20.0, 5.0, 60)
    corrected = np.where(np.arange(60) == 50, -values, values)
    assert unit_of(corrected) == pytest.approx(unit_of(values))


@given(SEEDS, st.sampled_from([-1.0, 1.0]))
def test_a_balance_that_rarely_changes_its_sign_is_on_a_linear_scale(seed, sign):
    draw = np.random.default_rng(seed)
    values = draw.uniform(10.0, 50.0, 60)
    values[draw.choice(36, 4, replace=False) + 24] *= -1
    assert unit_of(sign * values) == pytest.approx(BALANCE_SHARE * np.abs(values[-36:]).mean())


@given(SEEDS, st.floats(0.0, 1e-4))
def test_small_negative_corrections_hardly_move_the_unit(seed, size):
    values = np.random.default_rng(seed).gamma(20.0, 5.0, 60)
    corrected = np.where(np.arange(60) % 7 == 0, -size * values, values)
    assert unit_of(corrected) < 1.1 * UNIT_SHARE * np.abs(corrected[-36:]).mean()


def test_months_before_a_pause_of_three_years_give_the_unit():
    values = np.concatenate([np.full(30, 50.0), np.zeros(40)])
    assert unit_of(values) == pytest.approx(UNIT_SHARE * 50.0 * 30 / 70)
