"""The form of CES is chosen once a quarter, on the history up to its end."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.data.history import History
from forecasting.forecasters import FORECASTERS, exponential_smoothing
from forecasting.forecasters.preprocessing import until_quarter_end


def history(months=71, *, start="2015-01", seed=0, horizon=6):
    draw = np.random.default_rng(seed)
    season = 0.2 * np.sin(np.arange(months) * np.pi / 6)
    y = 100 * np.exp(season + np.cumsum(0.03 * draw.normal(size=months)))
    calendar = 0.1 * draw.normal(size=(months + horizon, 1))
    return History(unique_id="X", start=np.datetime64(start, "M"), y=y, calendar=calendar, horizon=horizon)


def shortened(whole, months):
    return replace(whole, y=whole.y[:months], calendar=whole.calendar[: months + whole.horizon])


@pytest.mark.parametrize("start", ["2015-01", "2015-02", "2015-07", "2015-12"])
@pytest.mark.parametrize("months", range(50, 64))
def test_the_history_until_quarter_end_ends_with_a_quarter(start, months):
    quarter_end = until_quarter_end(history(months, start=start))
    assert quarter_end is not None
    last = quarter_end.start + len(quarter_end.y) - 1
    assert last.astype(int) % 3 == 2
    assert 0 <= months - len(quarter_end.y) < 3
    assert len(quarter_end.calendar) == len(quarter_end.y)


@pytest.mark.parametrize("months", [1, 12, 35])
def test_a_short_history_chooses_at_its_cutoff(months):
    assert until_quarter_end(history(months)) is None


def test_the_months_of_a_quarter_share_one_form():
    whole = history()
    exponential_smoothing._form.cache_clear()
    for months in range(60, 63):
        FORECASTERS["ces"].forecast(shortened(whole, months))
    assert exponential_smoothing._form.cache_info().misses == 1


def test_a_forecast_does_not_depend_on_the_cache():
    whole = history()
    first = FORECASTERS["ces"].forecast(whole)
    for months in range(40, 71):
        FORECASTERS["ces"].forecast(shortened(whole, months))
    exponential_smoothing._form.cache_clear()
    assert_array_equal(FORECASTERS["ces"].forecast(whole), first)
