"""The unit of the arsinh transform: a tenth of the usual value."""

import numpy as np
from numpy.testing import assert_allclose

from forecasting.uncertainty.arsinh_transform import largest_recent, transform_units

CUTOFFS = np.array([30, 90, 119])


def test_the_unit_is_a_tenth_of_the_last_three_years():
    values = np.stack([np.full(120, 50.0), np.arange(120.0)])
    assert_allclose(transform_units(values, CUTOFFS)[0], 5.0)
    assert_allclose(transform_units(values, CUTOFFS)[1, 2], 0.1 * np.arange(84, 120).mean())


def test_an_idle_series_uses_all_its_months_and_an_empty_one_the_median():
    idle, never = np.zeros(120), np.zeros(120)
    idle[:20] = 7.0
    delayed = np.where(np.arange(120) < 100, np.nan, 3.0)
    values = np.stack([np.full(120, 50.0), np.full(120, 70.0), np.full(120, 60.0), idle, never, delayed])
    found = transform_units(values, CUTOFFS)
    assert_allclose(found[3], [0.1 * 140 / 31, 0.1 * 140 / 91, 0.1 * 140 / 120])
    assert_allclose(found[4], [np.median([5, 7, 6, found[3, 0]]), np.median([5, 7, 6, found[3, 1]]), 5.0])
    assert_allclose(found[5, 2], 0.3)


def test_the_unit_scales_with_the_values():
    draw = np.random.default_rng(4)
    values = draw.lognormal(size=(5, 120)) * (draw.uniform(size=(5, 120)) > 0.3)
    values[3, 40:] = 0.0
    values[4] = 0.0
    assert_allclose(transform_units(1e6 * values, CUTOFFS), 1e6 * transform_units(values, CUTOFFS))


def test_the_unit_of_an_empty_panel_is_one():
    assert_allclose(transform_units(np.zeros((2, 120)), CUTOFFS), 1.0)


def test_the_largest_recent_value_forgets_a_collapse_but_not_an_idle_series():
    collapsed, idle = np.r_[np.full(24, 5000.0), np.full(36, 3.0)], np.r_[np.full(24, 40.0), np.zeros(36)]
    never = np.zeros(60)
    assert_allclose(largest_recent(np.stack([collapsed, -idle, never])), [3.0, 40.0, 0.0])
