"""The Prophet library as a forecaster: its options have their effect, and none of the defaults changes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from forecasting.config import ForecastConfig
from forecasting.data.history import History
from forecasting.errors import InvalidProphetOption
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.forecasters import DEFAULT_FORECASTERS
from forecasting.forecasters.prophet import library_backend
from forecasting.forecasters.prophet.library import LibraryProphet, fit_and_predict
from forecasting.prophet_options import ProphetOptions
from tests.support.panels import grid_panel, trade_series

START = np.datetime64("2015-01", "M")


def history(y, horizon=12):
    return History("a", START, np.asarray(y, dtype=float), np.zeros((len(y) + horizon, 0)), horizon)


def forecast(y, **options):
    return LibraryProphet(ProphetOptions(**options)).forecast(history(y))


def test_the_default_set_does_not_include_the_library():
    assert "prophet_library" not in DEFAULT_FORECASTERS


def test_flat_growth_has_no_trend():
    y = 100 * np.exp(0.02 * np.arange(60))
    flat, linear = forecast(y, growth="flat"), forecast(y)
    assert linear.mean() > 1.3 * flat.mean()


def test_logistic_growth_stays_below_its_capacity():
    y = 100 / (1 + np.exp(-(np.arange(72) - 50) / 6))
    ahead = forecast(y, growth="logistic", capacity=1.1, yearly_seasonality=0)
    assert ahead.max() < 1.12 * y.max()
    assert ahead[-1] > y[-1]


def test_a_multiplicative_season_grows_with_the_level():
    months = np.arange(96)
    y = (100 + 5 * months) * (1 + 0.3 * np.sin(2 * np.pi * months / 12))
    additive, multiplicative = (
        forecast(y, log=False, seasonality_mode=mode) for mode in ("additive", "multiplicative")
    )
    assert np.ptp(multiplicative) > 1.15 * np.ptp(additive)


def test_a_holiday_month_is_repeated_where_it_is_dated_ahead():
    y = trade_series(84, seed=3, noise=0.01)
    y[[16, 40, 64]] *= 1.5
    months = tuple(str(START + month) for month in (16, 40, 64, 88))
    dated = forecast(y, holidays=(("fair", months),))
    dateless = forecast(y)
    assert dated[4] > 1.2 * dateless[4]
    others = np.delete(np.arange(12), 4)
    assert_allclose(dated[others], dateless[others], rtol=0.25)


def test_an_extra_regressor_shifts_its_months():
    y = trade_series(84, seed=4, noise=0.01)
    y[50:54] *= 0.6
    strike = {str(START + month): 1.0 for month in (*range(50, 54), 86)}
    with_strike = forecast(y, regressors=(("strike", tuple(strike.items())),))
    assert_allclose(with_strike[2] / forecast(y)[2], 0.6, rtol=0.15)


def test_components_of_the_library_add_up_to_its_forecast():
    z = np.log(trade_series(72, seed=5))
    found = fit_and_predict(z, START + np.arange(84), np.random.default_rng(1).normal(size=(84, 2)), ProphetOptions())
    assert_allclose(found["trend"] + found["yearly"] + found["extra_regressors_additive"], found["yhat"])


@pytest.mark.parametrize("mode", ["additive", "multiplicative"])
def test_components_that_series_share_are_those_of_the_library(monkeypatch, mode):
    months, calendar = START + np.arange(72), np.random.default_rng(5).normal(size=(72, 2))
    holidays = (("feast", ("2016-02", "2018-02")),)
    options = [
        ProphetOptions(log=False, seasonality_mode=mode, holidays=holidays),
        ProphetOptions(log=False, seasonality_mode=mode, yearly_seasonality=3),
    ]

    def components():
        y = trade_series(60, seed=2)
        return [
            fit_and_predict(y, months, columns, given) for given in options for columns in (calendar, calendar[:, :1])
        ]

    shared = components()
    monkeypatch.delattr(library_backend.MapProphet, "regressor_column_matrix")
    for found, expected in zip(shared, components(), strict=True):
        pd.testing.assert_frame_equal(found, expected)


def test_options_reach_the_forecaster_of_every_series():
    panel = grid_panel(60)
    base, flat = (
        forecast_at_cutoffs(
            panel, cutoffs=[59], horizon=6, reporter="CHN", forecasters=["prophet_library"], prophet=options
        )
        for options in (None, ProphetOptions(growth="flat"))
    )
    assert base.names == ("prophet_library", "seasonal_naive")
    assert (base.means[:, 0] != flat.means[:, 0]).any(axis=(1, 2)).all()


def test_options_survive_the_configuration_and_change_its_digest():
    options = ProphetOptions(holidays=(("fair", ("2026-04",)),), regressors=(("strike", (("2015-02", 1.0),)),))
    config = ForecastConfig(prophet=options)
    assert ForecastConfig.from_dict(config.as_dict()) == config
    assert config.digest != ForecastConfig().digest
    assert "prophet" not in ForecastConfig().as_dict()
    assert replace(config, prophet=ProphetOptions()).digest == ForecastConfig().digest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("growht", "flat"),
        ("growth", "steep"),
        ("seasonality_mode", "both"),
        ("n_changepoints", -1),
        ("changepoint_prior_scale", 0),
        ("capacity", "large"),
        ("holidays", ["2026-04"]),
    ],
)
def test_an_option_that_is_not_allowed_is_refused(name, value):
    with pytest.raises(InvalidProphetOption, match=name):
        ProphetOptions.from_dict({name: value})
