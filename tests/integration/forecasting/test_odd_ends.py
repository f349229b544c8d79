"""The end of a sample and odd series: unusual last values, booms, intermittent series, ended series, bounds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from forecasting.combination.last_value import read_last_values
from forecasting.config import ForecastConfig
from forecasting.data.history import History
from forecasting.data.intermittent import intermittent_series, recent_quantiles
from forecasting.data.panel import Panel
from forecasting.errors import NotApplicable, TooShortToEvaluate
from forecasting.forecasters.exponential_smoothing import TSB
from forecasting.forecasters.outliers import additive_outliers
from forecasting.pipeline import UNUSUAL, PanelForecast, evaluate_panel, forecast_panel
from tests.support.panels import long_frame, trade_series

QUICK = ForecastConfig(
    horizon=6, folds=6, burn_in=24, draws=800, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)
few = settings(max_examples=4, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.too_slow])


def forecast(**series: np.ndarray) -> PanelForecast:
    return forecast_panel(Panel.from_long(long_frame(series)), config=QUICK, reporter="ZZZ")


def interval(made: PanelForecast) -> tuple[np.ndarray, np.ndarray]:
    """The first month's 80 % interval of every series."""
    probabilities = QUICK.probabilities
    return made.quantiles[:, probabilities.index(0.1), 0], made.quantiles[:, probabilities.index(0.9), 0]


@few
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.0, 0.02, 20.0, 500.0]), level=st.floats(-2, 6))
def test_an_unusual_last_value_is_flagged_and_both_readings_are_inside(seed, factor, level):
    y = trade_series(72, seed=seed, level=10.0**level)
    usual = y[-13:-1].mean()
    y[-1] *= factor
    made = forecast(a=y)
    lo, hi = interval(made)
    assert made.statuses == (UNUSUAL,)
    assert lo[0] <= 1.1 * usual
    assert hi[0] >= 0.9 * usual
    assert lo[0] <= max(y[-1], 0.3 * usual)
    assert hi[0] >= min(y[-1], 2 * usual)
    assert 0.5 * usual < made.median[0, 0] < 2 * usual


@few
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.0, 20.0, 500.0]))
def test_intervals_of_single_forecasters_do_not_take_an_unusual_last_value_as_their_error(seed, factor):
    y = trade_series(72, seed=seed)
    usual = forecast(a=y)
    y[-1] *= factor
    made = forecast(a=y)
    row = made.backtest.names.index("seasonal_naive")
    first = slice(0, 5)  # the last month repeats the unusual value itself
    width, before = (
        np.diff(found.base_quantiles[0, row][[2, 6]][:, first].astype(float), axis=0) for found in (made, usual)
    )
    assert (width <= 1.25 * before).all()


def test_an_ordinary_last_value_has_no_status():
    assert forecast(a=trade_series(72, seed=4)).statuses == ("",)


def test_a_value_that_continues_a_change_is_not_unusual():
    centre = np.full((1, 3), 100.0)
    readings = [
        read_last_values(centre, centre, np.array([[before, 400.0]]), np.array([0.1]), np.array([10.0]))
        for before in (100.0, 380.0)
    ]
    assert [bool(reading.unusual[0]) for reading in readings] == [True, False]


def test_only_a_gross_value_replaces_the_combination():
    centre = np.full((1, 3), 100.0)
    readings = [
        read_last_values(centre, centre, np.array([[100.0, last]]), np.array([0.05]), np.array([10.0]))
        for last in (0.0, 40.0, 400.0, 5000.0)
    ]
    assert [bool(reading.unusual[0]) for reading in readings] == [True] * 4
    assert [bool(reading.gross[0]) for reading in readings] == [False, False, False, True]


def test_a_run_of_outliers_at_the_end_is_kept_as_a_change():
    draw = np.random.default_rng(1)
    errors = draw.normal(size=100)
    errors[[20, 98, 99]] += 30.0
    sizes = additive_outliers(np.eye(100), errors, deviations=4.0)
    assert np.flatnonzero(sizes).tolist() == [20]


@few
@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 0.5), level=st.floats(-3, 6))
def test_the_mean_of_an_intermittent_series_is_a_mean(seed, share, level):
    draw = np.random.default_rng(seed)
    y = np.where(draw.random(96) < share, draw.gamma(1.0, 10.0**level, 96), 0.0)
    made = forecast(a=y)
    recent = y[-36:]
    expected = np.average(recent, weights=0.5 ** (np.arange(36)[::-1] / 18))
    if intermittent_series(y[None])[0]:
        assert made.mean.mean() == pytest.approx(expected, rel=0.15, abs=1e-9)
        assert made.mean.min() >= 0


@few
@given(seed=st.integers(0, 10_000), typical=st.floats(1, 6), before=st.floats(100, 5000))
def test_the_mean_of_a_collapsed_count_is_near_its_recent_values(seed, typical, before):
    draw = np.random.default_rng(seed)
    y = np.r_[before * draw.gamma(3.0, 1 / 3, 22), draw.poisson(typical, 38)]
    made = forecast(a=y)
    assert made.mean.max() < 3 * y[-36:].mean()
    assert made.quantiles.max() <= 8 * max(y[-36:].max(), made.mean.max())


def test_a_series_that_stopped_trading_is_forecast_at_exactly_zero():
    live, idle = trade_series(84, seed=2), np.zeros(84)
    idle[40] = 3.0
    config = replace(QUICK, forecasters=("ets", "seasonal_naive", "structural"))
    made = forecast_panel(Panel.from_long(long_frame({"idle": idle, "live": live})), config=config, reporter="ZZZ")
    assert not np.abs(made.mean[0]).max()
    assert not np.abs(made.quantiles[0]).max()


def test_recent_quantiles_are_values_of_the_series():
    y = np.r_[np.zeros(30), 5.0, np.zeros(4), 7.0]
    assert set(recent_quantiles(y, np.linspace(0.01, 0.99, 50))) == {0.0, 5.0, 7.0}


def test_a_collapse_is_not_intermittent():
    assert not intermittent_series(np.r_[np.full(20, 1000.0), np.full(16, 3.0)][None])[0]


def test_many_zeros_among_negative_values_are_intermittent():
    draw = np.random.default_rng(3)
    y = np.where(draw.random(84) < 0.2, -100.0, 0.0)
    made = forecast(a=y)
    lo, hi = interval(made)
    assert (lo[0], hi[0]) == (-100.0, 0.0)
    assert made.mean.mean() == pytest.approx(y[-36:].mean(), rel=0.5)


def test_the_season_of_an_unusual_value_does_not_return_a_year_later():
    season = 100 * np.exp(0.5 * np.sin(np.arange(14) * np.pi / 6))
    earlier, centre = season[None, 1:13], np.append(season[2:13], 5000.0)[None]
    reading = read_last_values(centre, earlier, np.array([[season[0], 5000.0]]), np.array([0.05]), np.array([10.0]))
    assert reading.single[0, :-1] == pytest.approx(season[2:13])
    assert reading.single[0, -1] == pytest.approx(season[13], rel=0.01)


def test_draws_stay_within_a_few_times_the_most_negative_value():
    draw = np.random.default_rng(3)
    y = np.where(draw.random(60) < 0.2, -100.0, draw.gamma(1.0, 5.0, 60))
    assert forecast(a=y).paths.min() >= -300.0


def test_a_series_that_ended_says_so_and_has_a_wide_interval():
    y = trade_series(96, seed=2)
    ended = np.where(np.arange(96) < 60, trade_series(96, seed=3), np.nan)
    frame = long_frame({"a": y, "b": ended}).dropna()
    made = forecast_panel(Panel.from_long(frame), config=QUICK, reporter="ZZZ")
    assert made.statuses == ("", "ended since 2019-12")
    lo, hi = interval(made)
    assert np.log(hi[1] / max(lo[1], 1e-9)) > 1.5 * np.log(hi[0] / lo[0])


def test_intermittent_demand_does_not_apply_to_negative_values():
    history = History("a", np.datetime64("2015-01"), np.array([1.0, -1.0, 2.0]), np.zeros((5, 0)), 2)
    with pytest.raises(NotApplicable):
        TSB().forecast(history)


def test_a_panel_of_one_month_names_the_months_it_needs():
    panel = Panel.from_long(long_frame({"a": [1.0]}))
    with pytest.raises(TooShortToEvaluate, match=r"1 month.*at least 2"):
        evaluate_panel(panel, cutoffs=[], config=QUICK, reporter="CHN")
