"""Newton's method by differences."""

import numpy as np
from numpy.testing import assert_allclose

from forecasting.forecasters.newton import minimum
from forecasting.types import FloatArray


def test_the_minimum_of_a_quadratic_is_found_in_a_few_evaluations():
    seen: list[FloatArray] = []

    def bowl(x: FloatArray) -> float:
        seen.append(x)
        return float(3.0 * (x[0] - 0.4) ** 2 + (x[1] + 0.2) ** 2 + x[0] * x[1])

    expected = np.linalg.solve([[6.0, 1.0], [1.0, 2.0]], [2.4, -0.4])
    assert_allclose(minimum(bowl, np.zeros(2), tolerance=1e-6), expected, atol=1e-3)
    assert len(seen) <= 20


def test_a_saddle_is_left_downwards():
    found = minimum(lambda x: float(x[0] ** 4 - x[0] ** 2 + x[1] ** 2), np.array([0.05, 0.3]), tolerance=1e-6)
    assert_allclose(found, [np.sqrt(0.5), 0.0], atol=0.02)


def test_a_step_that_does_not_lower_the_value_ends_the_search():
    start = np.array([0.1, 0.2])
    assert_allclose(minimum(lambda x: float(np.abs(x - start).sum()), start, tolerance=1e-6), start)
