"""Quantiles of signed sums from the quantiles of the parts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from forecasting.config import PROBABILITIES
from forecasting.evaluation.signed_sums import error_correlation, normal_scores, sum_quantiles

NORMALS = np.random.default_rng(5).standard_normal((40_000, 2))


def normal_quantiles(means: list[float], spread: list[float]) -> np.ndarray:
    """Quantiles of normal distributions, shape (series, probabilities, 1)."""
    z = norm.ppf(PROBABILITIES)
    return np.array([mean + scale * z for mean, scale in zip(means, spread, strict=True)])[:, :, None]


@pytest.mark.parametrize(("correlation", "sign"), [(0.0, 1.0), (0.8, 1.0), (0.8, -1.0)])
def test_a_sum_of_normal_parts_has_the_quantiles_of_their_normal_sum(correlation: float, sign: float) -> None:
    matrix = np.array([[1.0, correlation], [correlation, 1.0]])
    found = sum_quantiles(
        normal_quantiles([100.0, 60.0], [5.0, 4.0]),
        np.array([1.0, sign]),
        PROBABILITIES,
        correlation=matrix,
        normals=NORMALS,
    )
    spread = np.sqrt(25 + 16 + 2 * sign * correlation * 20)
    assert_allclose(found[:, 0], 100 + sign * 60 + spread * norm.ppf(PROBABILITIES), atol=0.05 * spread)


def test_normal_scores_are_the_positions_of_outcomes() -> None:
    quantiles = normal_quantiles([100.0], [5.0])
    for z in (-1.5, 0.0, 0.7):
        assert_allclose(normal_scores(np.array([[100 + 5 * z]]), quantiles, PROBABILITIES), [[z]], atol=1e-9)
    assert np.isnan(normal_scores(np.array([[np.nan]]), quantiles, PROBABILITIES)).all()


def test_correlation_is_shrunk_towards_independence() -> None:
    scores = np.array([[1.0, -1.0, 0.5, np.nan], [1.0, -1.0, 0.5, 2.0]])
    assert_allclose(error_correlation(scores), [[1, 3 / 15], [3 / 15, 1]])
    assert_allclose(error_correlation(np.empty((2, 0))), np.eye(2))
