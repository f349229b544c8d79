"""The unit of the arsinh transform: a tenth of the usual value."""

import numpy as np
from numpy.testing import assert_allclose

from forecasting.uncertainty.arsinh_transform import transform_units

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
