"""One contract for every forecaster, and the purpose of each."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.history import History
from forecasting.errors import ForecasterFailed, ForecastingError, NotApplicable, TooFewObservations
from forecasting.forecasters import FORECASTERS, Forecaster
from forecasting.forecasters.naive import SeasonalNaive

HORIZON = 15


def history_of(y, *, horizon=HORIZON, reporter="CHN", start="2014-01"):
    y = np.array(y, dtype=np.float64)
    first = np.datetime64(start, "M")
    months = first + np.arange(len(y) + horizon)
    own = 0.1 * np.sin(np.arange(len(months)))[:, None]
    return History("T.X.WLD.TOTAL", first, y, calendar_regressors(months, reporter), horizon, own)


def trade(n=120, *, seed=1):
    """Positive values with growth, a season, noise, and a moving new year."""
    draw = np.random.default_rng(seed)
    months = np.datetime64("2014-01", "M") + np.arange(n)
    lunar = calendar_regressors(months, "CHN")[:, :3] @ [0.05, 0.05, -0.25]
    season = 0.1 * np.sin(2 * np.pi * np.arange(n) / 12)
    return 100 * np.exp(0.004 * np.arange(n) + season + lunar + 0.03 * draw.normal(size=n))


def odd_series():
    """Series that occur in published data."""
    draw = np.random.default_rng(7)
    sparse = np.where(draw.random(60) < 0.15, draw.gamma(2.0, 50.0, 60), 0.0)
    return {
        "zeros": np.zeros(60),
        "constant": np.full(60, 7.0),
        "sparse": sparse,
        "one_sale": np.eye(1, 60, 57)[0] * 1e6,
        "died_out": np.concatenate([trade(48), np.zeros(24)]),
        "came_alive": np.concatenate([np.zeros(48), trade(24)]),
        "boom": np.exp(np.linspace(0.0, 25.0, 60)),
        "bust": np.exp(np.linspace(25.0, 0.0, 60)),
        "balance": trade(72) - 105.0,
        "huge": trade(72) * 1e300,
        "tiny": trade(72) * 1e-300,
        "almost_constant": 1e9 + np.arange(60) % 2 * 1e-6,
        "step": np.repeat([1.0, 1000.0], 36),
        "outlier": np.where(np.arange(72) == 70, 1e6, trade(72)),
        "alternating": np.arange(60) % 2 * 5.0 + 1.0,
    }


@pytest.fixture(params=sorted(FORECASTERS))
def name(request):
    return request.param


@pytest.fixture
def forecaster(name) -> Forecaster:
    return FORECASTERS[name]


def test_keeps_to_the_protocol_and_is_frozen(forecaster):
    assert isinstance(forecaster, Forecaster)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        setattr(forecaster, "min_observations", 1)  # noqa: B010 - the type checker knows it is frozen


@pytest.mark.parametrize("horizon", [1, 12, 24])
def test_gives_a_finite_value_for_every_step(forecaster, horizon):
    mean = forecaster.forecast(history_of(trade(), horizon=horizon))
    assert mean.shape == (horizon,)
    assert mean.dtype == np.float64
    assert np.isfinite(mean).all()
    assert (mean > 0).all()


def test_a_pickled_copy_gives_the_same_forecast(forecaster):
    history = history_of(trade())
    assert_array_equal(pickle.loads(pickle.dumps(forecaster)).forecast(history), forecaster.forecast(history))


def test_does_not_change_its_input(forecaster):
    history = history_of(trade())
    y, calendar = history.y.copy(), history.calendar.copy()
    mean = forecaster.forecast(history)
    mean[:] = 0.0
    assert_array_equal(history.y, y)
    assert_array_equal(history.calendar, calendar)
    assert forecaster.forecast(history).all()


def test_is_stateless_between_calls(forecaster):
    history = history_of(trade())
    first = forecaster.forecast(history)
    forecaster.forecast(history_of(trade(90, seed=2)))
    assert_array_equal(forecaster.forecast(history), first)


def test_never_sees_the_future(forecaster):
    whole = trade(130)
    planted = whole.copy()
    planted[100:] *= 50.0
    before, after = (forecaster.forecast(history_of(y[:100])) for y in (whole, planted))
    assert_array_equal(before, after)


def test_works_at_its_shortest_history_and_refuses_a_shorter_one(forecaster):
    need = forecaster.min_observations
    assert need >= 1
    assert np.isfinite(forecaster.forecast(history_of(trade(need)))).all()
    with pytest.raises(TooFewObservations) as caught:
        forecaster.forecast(history_of(trade(need)[1:]))
    assert (caught.value.have, caught.value.need) == (need - 1, need)


def test_accepts_every_length_up_to_five_years(forecaster):
    for n in range(forecaster.min_observations, 61, 3):
        assert np.isfinite(forecaster.forecast(history_of(trade(n)))).all(), n


@pytest.mark.parametrize("kind", sorted(odd_series()))
def test_forecasts_odd_series_or_fails_by_name(forecaster, kind):
    y = odd_series()[kind]
    try:
        mean = forecaster.forecast(history_of(y))
    except (ForecasterFailed, NotApplicable):
        return
    assert np.isfinite(mean).all()
    assert np.abs(mean).max() <= 1e13 * max(np.abs(y).max(), 1.0) or kind == "huge"
    if y.min() >= 0:
        assert mean.min() >= 0


@pytest.mark.parametrize("kind", ["zeros", "constant"])
def test_repeats_a_constant_series(forecaster, kind):
    y = odd_series()[kind]
    assert_allclose(forecaster.forecast(history_of(y)), y[:HORIZON], rtol=1e-6, atol=1e-9)


def test_needs_no_calendar(forecaster):
    history = history_of(trade(), reporter="ZZZ")
    assert history.calendar.shape[1] == 0
    assert np.isfinite(forecaster.forecast(history)).all()


def test_is_equivariant_to_the_unit(forecaster):
    y = trade(96)
    assert_allclose(forecaster.forecast(history_of(1000 * y)), 1000 * forecaster.forecast(history_of(y)), rtol=1e-3)


@pytest.mark.parametrize("name", ["ets", "theta", "ces", "arima"])
def test_a_moving_new_year_is_forecast(name):
    y = trade(157)
    history = history_of(y[:145])  # to January 2026, when the New Year falls on 17 February
    blind = replace(history, calendar=np.zeros((len(history.calendar), 0)))
    errors = [np.abs(np.log(FORECASTERS[name].forecast(h)[:2] / y[145:147])).mean() for h in (history, blind)]
    assert errors[0] < 0.6 * errors[1]


def test_the_baseline_is_the_same_month_of_last_year():
    y = np.arange(1.0, 31.0)
    assert_array_equal(SeasonalNaive().forecast(history_of(y, horizon=14)), [*y[18:], y[18], y[19]])


def test_the_baseline_accepts_any_history():
    assert_array_equal(SeasonalNaive().forecast(history_of([3.0, 4.0], horizon=3)), [3.0, 4.0, 3.0])
    with pytest.raises(ForecastingError):
        SeasonalNaive().forecast(history_of([]))
