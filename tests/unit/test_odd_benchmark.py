"""The coverage that the benchmark of odd series counts."""

import numpy as np
import pytest

from benchmarks.odd import coverage
from forecasting.config import PROBABILITIES


@pytest.mark.parametrize("zeros", [0.5, 0.6, 0.7])
def test_a_forecaster_that_is_right_about_zeros_has_the_coverage_of_its_level(zeros: float) -> None:
    draw = np.random.default_rng(1)
    values = np.where(draw.random(40_000) < zeros, 0.0, draw.gamma(2.0, 50.0, 40_000))
    right = np.broadcast_to(np.quantile(values, PROBABILITIES), (len(values), len(PROBABILITIES)))
    held = 100 * ((values >= right[:, 2]) & (values <= right[:, 6])).mean()
    assert held == pytest.approx(90, abs=1)
    assert 100 * coverage(values, right).mean() == pytest.approx(80, abs=4)


def test_without_ties_an_outcome_is_inside_or_outside() -> None:
    quantiles = np.array([np.arange(9.0)] * 3)
    np.testing.assert_array_equal(coverage(np.array([1.5, 3.5, 6.5]), quantiles), [0.0, 1.0, 0.0])
