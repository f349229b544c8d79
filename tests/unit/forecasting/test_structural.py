"""The structural forecaster against dense algebra; its outliers, seasons and drifts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.data.history import History
from forecasting.forecasters import structural
from forecasting.forecasters.outliers import additive_outliers
from forecasting.forecasters.structural import Structural
from forecasting.types import FloatArray


def history_of(y: FloatArray, *, horizon: int = 12, calendar: FloatArray | None = None) -> History:
    rows = np.zeros((len(y) + horizon, 0)) if calendar is None else calendar
    return History("T.X.WLD.TOTAL", np.datetime64("2014-01", "M"), np.asarray(y, dtype=np.float64), rows, horizon)


def wandering(n: int, *, seed: int = 5) -> FloatArray:
    draw = np.random.default_rng(seed)
    walk: FloatArray = 0.05 * draw.normal(size=n).cumsum() + 0.05 * draw.normal(size=n)
    return walk


def dense_covariance(n: int, point: tuple[float, float], memory: float | None) -> FloatArray:
    """Covariance of the n - 1 monthly changes of n values, entry by entry."""
    noise, season = point
    power = 2 * structural.HURST
    levels = np.empty((n, n))
    for i, j in np.ndindex(n, n):
        lag = abs(i - j)
        levels[i, j] = (i**power + j**power - lag**power) / 2 + noise * (lag == 0)
        levels[i, j] += structural.TRANSIENT * np.exp(-lag / structural.TRANSIENT_MONTHS)
        if lag % 12 == 0:
            levels[i, j] += season * (1.0 if memory is None else np.exp(-lag / (12 * memory)))
    change = np.diff(np.eye(n), axis=0)
    covariance: FloatArray = change @ levels @ change.T
    return covariance


@pytest.mark.parametrize("memory", [None, 8.0])
@pytest.mark.parametrize("at", [0, 6, 9, 15])
def test_a_grid_point_agrees_with_dense_algebra(at: int, memory: float | None) -> None:
    n, horizon = 40, 6
    z, draw = wandering(n), np.random.default_rng(1)
    changes, priors = draw.normal(size=(n + horizon - 1, 2)), np.array([0.1, 0.02])
    grid = structural._grid(48, memory)
    fit = structural._fit(grid, z, changes, priors)
    alone = structural.GridFit(np.eye(len(fit.posterior))[at], fit.effects, fit.whitened)
    covariance = dense_covariance(n + horizon, structural._points()[at], memory)
    past, ahead = covariance[: n - 1, : n - 1], covariance[n - 1 :, : n - 1]
    errors = np.diff(z) - changes[: n - 1] @ fit.effects[at]
    expected = ahead @ np.linalg.solve(past, errors) + changes[n - 1 :] @ fit.effects[at]
    assert_allclose(structural._mean_change(grid, alone, changes, n), expected, rtol=1e-8, atol=1e-10)


def test_effects_and_likelihood_are_those_of_the_marginal_normal() -> None:
    n, at = 40, 9
    z, draw = wandering(n), np.random.default_rng(1)
    changes, priors = draw.normal(size=(n - 1, 2)), np.array([0.1, 0.02])
    fit = structural._fit(structural._grid(48, None), z, changes, priors)
    w, deviances = np.diff(z), []
    for point in structural._points():
        covariance = dense_covariance(n, point, None)
        variance = w @ np.linalg.solve(covariance, w) / len(w)
        for _ in range(3):
            marginal = covariance + changes @ np.diag(priors**2 / variance) @ changes.T
            effects = np.diag(priors**2 / variance) @ changes.T @ np.linalg.solve(marginal, w)
            variance = w @ np.linalg.solve(marginal, w) / len(w)
        deviances.append(len(w) * np.log(variance) + np.linalg.slogdet(marginal)[1])
        if point == structural._points()[at]:
            assert_allclose(fit.effects[at], effects, rtol=1e-6)
    posterior = np.exp(-0.5 * structural.TEMPER * (np.array(deviances) - min(deviances)))
    assert_allclose(fit.posterior, posterior / posterior.sum(), rtol=1e-6)


def test_a_longer_horizon_changes_no_earlier_step() -> None:
    y = 100 * np.exp(wandering(80))
    long = Structural().forecast(history_of(y, horizon=60))
    assert_allclose(Structural().forecast(history_of(y, horizon=12)), long[:12], rtol=1e-9)


def test_a_season_counts_as_far_as_it_repeats() -> None:
    season = np.tile(0.3 * np.sin(np.arange(12)), 6)
    y = 100 * np.exp(season + 0.01 * np.random.default_rng(2).normal(size=72))
    assert_allclose(np.log(Structural().forecast(history_of(y)) / 100), season[:12], atol=0.05)
    noise = 100 * np.exp(wandering(72))
    assert np.ptp(np.diff(np.log(Structural().forecast(history_of(noise))))) < 0.03


def test_a_rise_reverts_in_part_and_slowly() -> None:
    y = 100 * np.exp(np.concatenate([np.zeros(59), [0.4]]) + 0.02 * np.random.default_rng(4).normal(size=60))
    kept = np.log(Structural(outlier_deviations=np.inf).forecast(history_of(y)) / 100) / 0.4
    assert 0.0 < kept[-1] < kept[0] < 1.0


def test_a_boom_is_not_extrapolated() -> None:
    y = 10 * np.exp(np.concatenate([wandering(60), 0.15 * np.arange(1, 13)]))
    assert Structural().forecast(history_of(y))[-1] < 1.2 * y[-1]


def test_the_drift_of_earlier_decades_is_not_extrapolated() -> None:
    growth = np.repeat([0.012, 0.0], [100, 120])
    y = 100 * np.exp(growth.cumsum() + 0.02 * np.random.default_rng(6).normal(size=220))
    assert abs(np.log(Structural().forecast(history_of(y))[-1] / y[-12:].mean())) < 0.03


def test_months_beyond_the_longest_are_not_used() -> None:
    y = 100 * np.exp(wandering(100))
    changed = y.copy()
    changed[:40] *= 3.0
    forecaster = Structural(longest=60)
    assert_allclose(forecaster.forecast(history_of(y)), forecaster.forecast(history_of(changed)))


@pytest.mark.parametrize("month", [30, 70, 79])
def test_a_single_outlier_moves_the_forecast_little(month: int) -> None:
    y = 100 * np.exp(0.5 * wandering(80))
    odd = y.copy()
    odd[month] *= 0.3
    assert_allclose(np.log(Structural().forecast(history_of(odd)) / Structural().forecast(history_of(y))), 0, atol=0.08)


def test_outliers_are_found_with_their_sizes() -> None:
    errors = np.random.default_rng(3).normal(size=80)
    assert not additive_outliers(np.eye(80), np.clip(errors, -2.5, 2.5), deviations=4.0).any()
    errors[[10, 50]] = [9.0, -12.0]
    sizes = additive_outliers(np.eye(80), errors, deviations=4.0)
    assert_allclose(sizes[[10, 50]], [9.0, -12.0])
    assert np.count_nonzero(sizes) == 2


def test_at_most_a_twentieth_of_a_history_are_outliers() -> None:
    errors = np.random.default_rng(3).normal(size=80)
    errors[::5] = 40.0
    assert np.count_nonzero(additive_outliers(np.eye(80), errors, deviations=4.0)) <= 4
