"""Theta methods fitted by least squares, compared with loops and with statsforecast."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsforecast.theta import forecast_theta, thetamodel

from forecasting.forecasters import theta
from forecasting.types import FloatArray

NAMES = {True: "OTM", False: "DOTM"}


def values(months: int, seed: int = 3) -> FloatArray:
    draw = np.random.default_rng(seed)
    return 5.0 + np.cumsum(0.02 + 0.1 * draw.normal(size=months)) + 0.1 * draw.normal(size=months)


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("months", [24, 98])
def test_the_fit_is_at_least_as_good_as_that_of_a_general_optimiser(fixed, months):
    y = values(months)
    peer = thetamodel(y, 12, NAMES[fixed], np.nan, np.nan, np.nan, 3)
    ratio = theta._fit(y, fixed).squares / np.square(peer["residuals"][3:]).sum()
    assert 0.95 < ratio <= 1.002


@pytest.mark.parametrize("fixed", [True, False])
def test_forecasts_are_those_of_the_method_with_the_same_parameters(fixed):
    y = values(60)
    fit = theta._fit(y, fixed)
    place = int(np.flatnonzero(fit.smoothing == theta.SMOOTHING)[0])
    start = (fit.level - theta._levels(y)[place, -1]) / (1.0 - fit.smoothing) ** len(y)
    peer = thetamodel(y, 12, NAMES[fixed], start, fit.smoothing, 1.0 / (1.0 - min(fit.share, 1.0 - 1e-10)), 3)
    assert_allclose(forecast_theta(peer, 24)["mean"], fit.forecast(24), rtol=1e-6)


def test_trends_are_those_of_a_line_through_the_first_months():
    y = values(20)
    intercept, slope = theta._trends(y)
    for months in range(2, 21):
        expected = np.polyfit(np.arange(1, months + 1), y[:months], 1)
        assert_allclose([slope[months - 1], intercept[months - 1]], expected, atol=1e-9)


@pytest.mark.parametrize("months", [24, 61, 98])
def test_the_season_is_that_of_the_classical_decomposition(months):
    y = values(months) + 0.3 * np.sin(np.arange(months) * np.pi / 6)
    weights = np.array([0.5, *[1.0] * 11, 0.5]) / 12
    deviations: list[list[float]] = [[] for _ in range(12)]
    for month in range(6, months - 6):
        deviations[month % 12].append(y[month] - weights @ y[month - 6 : month + 7])
    means = np.array([np.mean(found) for found in deviations])
    assert_allclose(theta.classical_season(y, 12), np.resize(means - means.mean(), months), atol=1e-12)


def test_a_season_is_found_where_there_is_one():
    y = np.random.default_rng(5).normal(size=96)
    assert not theta.has_season(y, 12)
    assert theta.has_season(y + 3.0 * np.sin(np.arange(96) * np.pi / 6), 12)
    assert not theta.has_season(np.sin(np.arange(23) * np.pi / 6), 12)


def test_a_line_goes_on_with_half_its_slope_at_least():
    ahead = theta._fit(np.arange(1.0, 61.0), fixed=True).forecast(12)
    assert (np.diff(ahead) > 0.4).all()
