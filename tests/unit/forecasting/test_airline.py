"""The airline regression against dense algebra."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import toeplitz

from forecasting.forecasters.airline import airline_outliers, difference, fit_airline, forecast_airline
from forecasting.types import FloatArray


def simulate(n: int, *, theta: float, seasonal: float, seed: int = 11) -> FloatArray:
    e = np.random.default_rng(seed).normal(size=n + 13)
    moving = e.copy()
    moving[1:] += theta * e[:-1]
    moving[12:] += seasonal * e[:-12]
    moving[13:] += theta * seasonal * e[:-13]
    y = np.zeros(n + 13)
    for t in range(13, n + 13):
        y[t] = moving[t] + y[t - 1] + y[t - 12] - y[t - 13]
    return y[13:]


def covariance(theta: tuple[float, float], n: int) -> FloatArray:
    regular, seasonal = theta
    polynomial = np.zeros(14)
    polynomial[[0, 1, 12, 13]] = [1.0, regular, seasonal, regular * seasonal]
    gamma = [float(polynomial[lag:] @ polynomial[: 14 - lag]) if lag < 14 else 0.0 for lag in range(n)]
    return np.asarray(toeplitz(gamma), dtype=np.float64)


def test_effects_are_generalised_least_squares() -> None:
    y, x = simulate(120, theta=-0.4, seasonal=-0.6), np.random.default_rng(2).normal(size=(120, 2))
    fit = fit_airline(y + x @ [2.0, -1.0], x)
    w, W = difference(y + x @ [2.0, -1.0], 12), difference(x, 12)
    inverse = np.linalg.inv(covariance(fit.theta, len(w)))
    assert_allclose(fit.effects, np.linalg.solve(W.T @ inverse @ W, W.T @ inverse @ w), rtol=1e-6)


def test_coefficients_are_found_again() -> None:
    fit = fit_airline(simulate(600, theta=-0.5, seasonal=-0.7), np.zeros((600, 0)))
    assert_allclose(fit.theta, [-0.5, -0.7], atol=0.12)
    assert fit.sigma == pytest.approx(1.0, abs=0.1)


def test_a_prior_shrinks_effects() -> None:
    y, x = simulate(60, theta=-0.4, seasonal=-0.6), np.random.default_rng(2).normal(size=(60, 1))
    free, held = (fit_airline(y + 2 * x[:, 0], x, prior=prior).effects[0] for prior in (np.inf, 0.05))
    assert 0 < held < 0.5 * free


def test_forecasts_are_the_conditional_mean() -> None:
    y, horizon = simulate(90, theta=-0.4, seasonal=-0.6), 30
    fit = fit_airline(y, np.zeros((90, 0)))
    w = difference(y, 12)
    whole = covariance(fit.theta, len(w) + horizon)
    changes = whole[len(w) :, : len(w)] @ np.linalg.solve(whole[: len(w), : len(w)], w)
    expected = list(y)
    for change in changes:
        expected.append(change + expected[-1] + expected[-12] - expected[-13])
    assert_allclose(forecast_airline(fit, y, horizon), expected[90:], rtol=1e-8)


@pytest.mark.parametrize("month", [20, 60, 89])
def test_an_outlier_is_found_up_to_the_last_month(month: int) -> None:
    y = simulate(90, theta=-0.4, seasonal=-0.6)
    y[month] += 15.0
    sizes = airline_outliers(fit_airline(y, np.zeros((90, 0))), y, deviations=4.0)
    assert sizes[month] == pytest.approx(15.0, abs=4.0)
    assert np.count_nonzero(sizes) == 1
