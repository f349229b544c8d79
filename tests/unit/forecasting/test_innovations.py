"""Exponential smoothing averaged over a grid, compared with loops, with dense algebra and with statsforecast."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from statsforecast.ets import ets_f

from forecasting.data.history import History
from forecasting.forecasters import FORECASTERS, exponential_smoothing, innovations
from forecasting.forecasters.innovations import Grid, Models, forecast, make_grid
from forecasting.forecasters.scaling import scale_of
from forecasting.types import FloatArray

PARAMETERS = (0.4, 0.05, 0.2, 0.95)
DEVIATIONS = np.array([100.0, 0.1, *[10.0] * 12])
generated = settings(max_examples=60, deadline=None)


def values(months: int, seed: int = 3) -> FloatArray:
    draw = np.random.default_rng(seed)
    season = 0.2 * np.sin(np.arange(months) * np.pi / 6)
    return season + np.cumsum(0.02 + 0.05 * draw.normal(size=months)) + 0.05 * draw.normal(size=months)


def history(y: FloatArray, horizon: int = 12) -> History:
    return History("X", np.datetime64("2010-01", "M"), y, np.zeros((len(y) + horizon, 0)), horizon)


def one_point(
    level: float,
    trend: float,
    season: float,
    damping: float,
    *,
    months: int = 120,
    seasons: tuple[float, ...] = (10.0,),
) -> Grid:
    models = Models(
        transition=np.array([[[1.0, damping], [0.0, damping]]]),
        weights=np.array([[1.0, damping]]),
        gain=np.array([[level, trend]]),
        season_gain=np.array([season]),
    )
    return make_grid(models, DEVIATIONS[:2] ** -2.0, np.array(seasons) ** -2.0, months)


def smoothed(y: FloatArray, states: FloatArray, horizon: int = 0) -> tuple[FloatArray, FloatArray]:
    """Errors and forecasts of exponential smoothing, month by month."""
    level, trend, season, damping = PARAMETERS
    at, slope, of_month = states[0], states[1], states[2:].copy()
    errors = np.zeros(len(y) + horizon)
    expected = np.zeros(len(y) + horizon)
    for month in range(len(errors)):
        expected[month] = at + damping * slope + of_month[month % 12]
        errors[month] = y[month] - expected[month] if month < len(y) else 0.0
        at, slope = (
            expected[month] - of_month[month % 12] + level * errors[month],
            damping * slope + trend * errors[month],
        )
        of_month[month % 12] += season * errors[month]
    return errors[: len(y)], expected[len(y) :]


def test_errors_and_forecasts_are_those_of_a_loop():
    y, grid = values(70), one_point(*PARAMETERS)
    states, _ = innovations._fit(grid, y)
    _, expected = smoothed(y, states[0, 0], 24)
    assert_allclose(forecast(grid, y, 24), expected, atol=1e-10)


def test_initial_states_are_the_most_likely_ones_given_their_prior():
    y, grid = values(70), one_point(*PARAMETERS)
    start, _ = smoothed(y, np.zeros(14))
    columns = np.array([smoothed(np.zeros(70), state)[0] for state in np.eye(14)])
    stacked = np.vstack([columns.T, np.diag(1.0 / DEVIATIONS)])
    expected = np.linalg.lstsq(stacked, -np.concatenate([start, np.zeros(14)]))[0]
    assert_allclose(innovations._fit(grid, y)[0][0, 0], expected, atol=1e-8)


def likelihood(y: FloatArray, grid: Grid, deviations: FloatArray) -> float:
    """The logarithm of the density of values, with the initial states integrated out and the variance at its best."""
    n = len(y)
    # From y = filter^-1 (errors of the states + white noise).
    lags = np.subtract.outer(np.arange(n), np.arange(n))
    back = np.linalg.inv(np.where(lags >= 0, grid.of_value[0][np.abs(lags)], 0.0))
    of_states = back @ grid.of_states[0, :, :n].T
    covariance = back @ back.T + (of_states * deviations**2) @ of_states.T
    variance = y @ np.linalg.solve(covariance, y) / n
    return float(multivariate_normal(cov=variance * covariance).logpdf(y))


def test_points_are_weighted_by_the_likelihood_with_initial_states_integrated_out():
    y, points = values(60), [PARAMETERS, (0.7, 0.01, 0.1, 0.9), (0.1, 0.02, 0.5, 0.98)]
    grids = [one_point(*point) for point in points]
    both = Grid(
        np.concatenate([grid.of_value for grid in grids]),
        np.concatenate([grid.of_states for grid in grids]),
        DEVIATIONS[:2] ** -2.0,
        DEVIATIONS[2:3] ** -2.0,
    )
    found = np.log(innovations._fit(both, y)[1][:, 0])
    expected = np.array([likelihood(y, grid, DEVIATIONS) for grid in grids])
    assert_allclose(found, expected - expected.max(), atol=1e-5)


def test_priors_are_weighted_by_the_same_likelihood():
    y, seasons = values(30), (0.3, 3.0)
    grid = one_point(*PARAMETERS, seasons=seasons)
    found = np.log(innovations._fit(grid, y)[1][0])
    expected = np.array([likelihood(y, grid, np.array([*DEVIATIONS[:2], *[season] * 12])) for season in seasons])
    assert_allclose(found, expected - expected.max(), atol=1e-5)


@pytest.mark.parametrize("name", ["ets", "ces"])
def test_a_year_and_a_half_shows_whether_there_is_a_season(name):
    draw, months = np.random.default_rng(5), np.arange(30)
    noise, shape = 0.05 * draw.normal(size=(40, 18)), 0.5 * np.sin(months * np.pi / 6)
    seasonal = [FORECASTERS[name].forecast(history(np.exp(4 + shape[:18] + error))) for error in noise]
    plain = [FORECASTERS[name].forecast(history(np.exp(4 + error))) for error in noise]
    assert np.abs(np.log(seasonal) - 4 - shape[18:]).mean() < 0.6 * np.abs(shape).mean()
    assert np.abs(np.log(plain) - 4).mean() < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_the_best_point_fits_about_as_well_as_a_general_optimiser(seed):
    y = values(96, seed)
    peer = ets_f(y, m=12, model="AAA", damped=True)
    grid = exponential_smoothing._ets_grid(192, True)
    states, weights = innovations._fit(grid, y - y.mean())
    best, prior = np.unravel_index(np.argmax(weights), weights.shape)
    lags = np.subtract.outer(np.arange(96), np.arange(96))
    filtered = np.where(lags >= 0, grid.of_value[best][np.abs(lags)], 0.0) @ (y - y.mean())
    errors = filtered + states[best, prior] @ grid.of_states[best, :, :96]
    assert np.square(errors).sum() < 1.1 * np.square(peer["residuals"]).sum()


def test_errors_of_every_point_forget_a_value():
    for grid in (exponential_smoothing._ets_grid(288, True), exponential_smoothing._ces_grid(288)):
        assert np.abs(grid.of_value[:, 276:]).max() < 0.02


@pytest.mark.parametrize("name", ["ets", "ces"])
def test_a_forecast_depends_neither_on_what_was_forecast_before_nor_on_the_size_of_the_grid(name):
    y = values(90)
    first = FORECASTERS[name].forecast(history(y))
    for months in range(90, 40, -7):
        FORECASTERS[name].forecast(history(y[:months]))
    innovations._information.cache_clear()
    assert_array_equal(FORECASTERS[name].forecast(history(y)), first)
    assert_allclose(FORECASTERS[name].forecast(history(y, horizon=30))[:12], first, rtol=1e-9)


@pytest.mark.parametrize("name", ["ets", "ces"])
@generated
@given(
    seed=st.integers(0, 10_000),
    months=st.integers(13, 130),
    level=st.sampled_from([1e-280, 1e-9, 1.0, 1e12, 1e280]),
    noise=st.sampled_from([0.0, 1e-12, 1e-3, 0.1, 3.0]),
    kind=st.sampled_from(["plain", "zeros", "counts", "extreme", "negative", "ends in zeros", "constant start"]),
)
def test_generated_series_are_forecast_within_the_width_of_their_history(name, seed, months, level, noise, kind):
    draw = np.random.default_rng(seed)
    y = np.exp(noise * draw.normal(size=months) + 0.3 * np.sin(np.arange(months) * np.pi / 6))
    place = int(draw.integers(months))
    y = {
        "plain": y,
        "zeros": np.where(draw.random(months) < 0.6, 0.0, y),
        "counts": draw.poisson(2.0 * y).astype(float),
        "extreme": np.where(np.arange(months) == place, 1e6 * y, y),
        "negative": y - np.median(y),
        "ends in zeros": np.where(np.arange(months) > place, 0.0, y),
        "constant start": np.where(np.arange(months) < place, 1.0, y),
    }[kind] * level
    ahead = FORECASTERS[name].forecast(history(y))
    assert np.isfinite(ahead).all()
    scale = scale_of(y)
    low, high = scale.back(np.array([scale.lo, scale.hi]))
    assert (ahead >= low - 1e-9 * abs(low)).all()
    assert (ahead <= high + 1e-9 * abs(high)).all()


@pytest.mark.parametrize("name", ["ets", "ces"])
def test_a_lasting_season_is_continued(name):
    y = 100.0 * np.exp(np.resize(np.linspace(-0.3, 0.3, 12), 96))
    assert_allclose(FORECASTERS[name].forecast(history(y)), y[:12], rtol=0.01)
