"""The anchored Prophet forecaster: Prophet's own numbers, and the corrections of its trend."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prophet import Prophet

from forecasting.data.calendar_regressors import calendar_names, calendar_regressors
from forecasting.data.history import History
from forecasting.errors import TooFewObservations
from forecasting.forecasters.prophet.design import fourier_terms
from forecasting.forecasters.prophet.forecaster import AnchoredProphet, PowerScale
from forecasting.forecasters.prophet.library_backend import MapProphet
from forecasting.forecasters.prophet.map_fit import fit_map, make_design

HORIZON = 12
FORECASTER = AnchoredProphet()


def history_of(y, *, reporter="CHN", start="2014-01"):
    y = np.array(y, dtype=np.float64)
    first = np.datetime64(start, "M")
    calendar = calendar_regressors(first + np.arange(len(y) + HORIZON), reporter)
    return History("T.X.WLD.TOTAL", first, y, calendar, HORIZON)


def trade(n=120, *, seed=1, growth=0.004, noise=0.03):
    draw = np.random.default_rng(seed)
    months = np.datetime64("2014-01", "M") + np.arange(n)
    lunar = calendar_regressors(months, "CHN")[:, :3] @ [0.05, 0.05, -0.25]
    season = 0.1 * np.sin(2 * np.pi * np.arange(n) / 12)
    return 100 * np.exp(growth * np.arange(n) + season + lunar + noise * draw.normal(size=n))


def prophet_class_prediction(forecaster, history, z):
    """The Prophet class's prediction for every month of `z`, on its scale, and of the horizon; from its frames."""
    model = MapProphet(
        scaling="minmax",
        changepoint_prior_scale=forecaster.changepoint_prior,
        n_changepoints=forecaster.n_changepoints,
        changepoint_range=forecaster.changepoint_range,
        yearly_seasonality=forecaster.yearly_order if len(z) >= forecaster.seasonal_from else False,
        weekly_seasonality=False,
        daily_seasonality=False,
        seasonality_prior_scale=forecaster.seasonal_prior,
        uncertainty_samples=0,
    )
    names = calendar_names("CHN") if len(z) >= forecaster.seasonal_from else ()
    for name in names:
        model.add_regressor(name, prior_scale=forecaster.calendar_prior, standardize=False)
    frame = pd.DataFrame({"ds": history.months.astype("datetime64[ns]")})
    frame[list(names)] = history.calendar[:, : len(names)]
    model.fit(frame.iloc[: len(z)].assign(y=z))
    prediction = model.predict(frame)
    return prediction["yhat"].to_numpy(), prediction["trend"].to_numpy()


@pytest.mark.parametrize("n", [3, 14, 29, 30, 120, 240])
@pytest.mark.parametrize("changepoint_prior", [0.01, 0.3])
@pytest.mark.parametrize("power", [0.0, 0.5])
def test_equals_the_prophet_class(n, changepoint_prior, power):
    forecaster = replace(FORECASTER, changepoint_prior=changepoint_prior)
    history = history_of(trade(n))
    scale = PowerScale.of(history.y, power)
    z, axes = scale.to(history.y), forecaster.axes(history)
    design = make_design(
        t=axes.t[:n],
        changepoints=axes.changepoints,
        features=axes.features[:n],
        scales=axes.scales,
        tau=changepoint_prior,
    )
    fit = fit_map(design, z)
    mean, trend = prophet_class_prediction(forecaster, history, z)
    assert_allclose(axes.trend(fit), trend, rtol=1e-6, atol=1e-6)
    assert_allclose(axes.trend(fit) + axes.features @ fit.beta, mean, rtol=1e-6, atol=1e-6)


def test_stock_prophet_is_a_configuration():
    """Without damping, doubt and anchor the forecast is the Prophet class's own."""
    stock = replace(FORECASTER, damping=1.0, slope_doubt=0.0, persistence=0.0, changepoint_prior=0.05)
    history = history_of(trade(96) - 500.0)
    scale = PowerScale.of(history.y, 1.0)
    mean, _ = prophet_class_prediction(stock, history, scale.to(history.y))
    assert_allclose(stock.forecast(history), scale.back(mean[96:]), rtol=1e-5)


def test_fourier_terms_are_prophets():
    months = np.datetime64("1985-01", "M") + np.arange(500)
    expected = Prophet.fourier_series(pd.Series(months.astype("datetime64[ns]")), 365.25, 6)
    assert_allclose(fourier_terms(months.astype("datetime64[D]").astype(float), 6), expected, atol=1e-9)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_a_scale_inverts(power):
    y = trade(50)
    scale = PowerScale.of(y, power)
    assert_allclose([scale.to(y).min(), scale.to(y).max()], [0.0, 1.0], atol=1e-12)
    assert_allclose(scale.back(scale.to(y)), y)


def test_a_boom_is_not_extrapolated_for_years():
    y = np.concatenate([np.full(60, 100.0), 100.0 * np.exp(0.08 * np.arange(1, 25))]) + np.arange(84) % 5
    forecast = FORECASTER.forecast(history_of(y))
    frame = pd.DataFrame({"ds": pd.date_range("2014-01-01", periods=84, freq="MS"), "y": np.log(y)})
    future = pd.DataFrame({"ds": pd.date_range("2021-01-01", periods=HORIZON, freq="MS")})
    stock = np.exp(MapProphet(uncertainty_samples=0).fit(frame).predict(future)["yhat"].to_numpy())
    assert stock[-1] > 1.6 * y[-1]
    assert 0.7 * y[-1] < forecast[-1] < 1.3 * y[-1]


def test_starts_from_the_last_level_instead_of_the_trend():
    y = trade(120, noise=0.01)
    y[-3:] *= 0.6
    expected = trade(132, noise=0.01)[120:] * 0.6
    forecast = FORECASTER.forecast(history_of(y))
    assert_allclose(forecast[0], expected[0], rtol=0.1)
    assert forecast[-1] / expected[-1] > forecast[0] / expected[0]


def test_a_steady_rise_continues_damped():
    y = 100.0 * np.exp(0.01 * np.arange(240))
    rises = np.diff(np.log(FORECASTER.forecast(history_of(y, reporter="NONE"))))
    assert rises[0] > 0.005
    assert (np.diff(rises) < 0.0).all()


def test_uses_the_date_of_the_new_year():
    y = trade(132, noise=0.005)
    error = np.abs(FORECASTER.forecast(history_of(y[:120])) / y[120:] - 1)[:3].max()
    unaware = np.abs(FORECASTER.forecast(history_of(y[:120], reporter="NONE")) / y[120:] - 1)[:3].max()
    assert error < 0.02 < unaware


def test_a_series_without_a_negative_value_gets_no_negative_forecast():
    falling = np.maximum(100.0 - 2.0 * np.arange(60) + np.arange(60) % 7, 0.0)
    assert FORECASTER.forecast(history_of(falling)).min() >= 0.0


def test_scales_with_the_unit():
    y = trade(100)
    assert_allclose(FORECASTER.forecast(history_of(1e9 * y)), 1e9 * FORECASTER.forecast(history_of(y)), rtol=1e-6)


def test_a_constant_series_stays_constant():
    assert_array_equal(FORECASTER.forecast(history_of(np.full(48, 3.5))), np.full(HORIZON, 3.5))


@pytest.mark.parametrize("n", range(3, 40, 3))
def test_works_at_short_histories(n):
    forecast = FORECASTER.forecast(history_of(trade(n)))
    assert forecast.shape == (HORIZON,)
    assert np.isfinite(forecast).all()
    assert (np.abs(np.log(forecast / trade(n).mean())) < 1.0).all()


def test_refuses_a_history_too_short_for_a_rate():
    with pytest.raises(TooFewObservations):
        FORECASTER.forecast(history_of([1.0, 2.0]))


def test_sees_only_the_history_and_is_reproducible():
    whole = trade(150)
    history = history_of(whole[:120])
    first = FORECASTER.forecast(history)
    FORECASTER.forecast(history_of(trade(80, seed=9)))
    whole[120:] = 1e9
    again = pickle.loads(pickle.dumps(FORECASTER)).forecast(history_of(whole[:120]))
    assert_array_equal(first, again)
    assert_array_equal(history.y, trade(150)[:120])
