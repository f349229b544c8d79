"""Moving holidays: dates, allocation to months, and the test that chooses them per series."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.moving_holidays import FESTIVALS, OBSERVED, holiday_regressors, moving_holidays
from forecasting.data.panel import Panel
from forecasting.evaluation.series_fits import SeriesTask, fit_series
from forecasting.forecasters.calendar_choice import with_moving_holidays
from tests.support.panels import long_frame

MONTHS = np.arange("2008-01", "2026-01", dtype="datetime64[M]")
KNOWN = {
    "lunar_new_year": {2024: [(2, 10)], 2025: [(1, 29)]},
    "ramadan": {2024: [(4, 10)], 2025: [(3, 30)], 2000: [(1, 8), (12, 27)]},
    "eid_al_adha": {2024: [(6, 16)], 2025: [(6, 6)]},
    "easter": {2024: [(4, 1)], 2025: [(4, 21)]},
    "diwali": {2024: [(10, 31)], 2023: [(11, 12)]},
}


@pytest.mark.parametrize("festival", FESTIVALS)
def test_the_dates_of_festivals_are_known(festival):
    for year, days in KNOWN[festival].items():
        assert FESTIVALS[festival].dates(year) == tuple(date(year, *day) for day in days)


@pytest.mark.parametrize("festival", FESTIVALS)
def test_the_shares_of_a_whole_cycle_are_centred(festival):
    months = np.arange("2000-01", "2033-01", dtype="datetime64[M]")
    found = holiday_regressors(months, festival)
    known = np.array([len(FESTIVALS[festival].dates(year)) > 0 for year in range(2000, 2033)]).repeat(12)
    assert found.shape == (33 * 12, len(FESTIVALS[festival].windows))
    assert_allclose(found[known].reshape(-1, 12, found.shape[1]).mean(axis=0), 0.0, atol=1e-12)
    assert_array_equal(found[~known], 0.0)


def test_a_window_falls_into_the_months_of_its_days():
    march, april = holiday_regressors(np.array(["2024-03", "2024-04"], dtype="datetime64[M]"), "easter")[:, 0]
    # From Monday, 25 March to Easter Monday, 1 April: seven days of eight are in March.
    later = holiday_regressors(np.array(["2025-03", "2025-04"], dtype="datetime64[M]"), "easter")[:, 0]
    assert march - later[0] == pytest.approx(7 / 8)
    assert april - later[1] == pytest.approx(-7 / 8)


def test_reporters_have_the_festivals_that_they_observe():
    assert moving_holidays("MYS") == ("lunar_new_year", "ramadan", "eid_al_adha")
    assert moving_holidays("BRA") == ("easter",)
    assert moving_holidays("CHN") == moving_holidays("USA") == moving_holidays("") == ()
    assert {len(code) for codes in OBSERVED.values() for code in codes} == {3}


def series(effect: float, reporter: str, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    festival = holiday_regressors(MONTHS, moving_holidays(reporter)[0])
    level = np.cumsum(draw.normal(0, 0.01, len(MONTHS))) + 0.1 * np.sin(np.arange(len(MONTHS)) * np.pi / 6)
    return np.asarray(100 * np.exp(level + draw.normal(0, 0.02, len(MONTHS)) + effect * festival.sum(axis=1)))


def chosen(y: np.ndarray, reporter: str) -> int:
    """How many columns the test added."""
    calendar = calendar_regressors(MONTHS, reporter)
    holidays = {name: holiday_regressors(MONTHS, name) for name in moving_holidays(reporter)}
    return int(with_moving_holidays(y, calendar, holidays).shape[1] - calendar.shape[1])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), reporter=st.sampled_from(["VNM", "IDN", "DEU", "IND"]))
def test_a_festival_that_moves_a_series_is_chosen(seed, reporter):
    assert chosen(series(-0.3, reporter, seed), reporter) > 0


def test_a_festival_that_does_not_is_chosen_about_as_often_as_the_test_errs():
    wrong = [chosen(series(0.0, "DEU", seed), "DEU") for seed in range(60)]
    assert np.mean(wrong) < 0.15


@pytest.mark.parametrize("y", [np.full(len(MONTHS), 5.0), np.ones(12), np.arange(40.0)])
def test_constant_and_short_series_keep_their_calendar(y):
    calendar = calendar_regressors(MONTHS, "IDN")
    holidays = {name: holiday_regressors(MONTHS, name) for name in moving_holidays("IDN")}
    assert with_moving_holidays(y, calendar, holidays) is calendar


def test_forecasts_follow_the_festival_and_see_no_later_month():
    y = series(-0.3, "IDN", 3)
    panel = Panel.from_long(long_frame({"a": y}, start="2008-01"))
    cutoff = len(y) - 13
    means = []
    for values in (y, np.where(np.arange(len(y)) > cutoff, 1e6, y)):
        means.append(
            fit_series(SeriesTask("a", panel.months[0], values, "IDN", (cutoff,), 12, ("structural",))).means[0, 0]
        )
    plain = fit_series(SeriesTask("a", panel.months[0], y, "ZZZ", (cutoff,), 12, ("structural",))).means[0, 0]
    assert_array_equal(means[0], means[1])
    assert np.abs(np.log(means[0] / y[cutoff + 1 :])).mean() < 0.7 * np.abs(np.log(plain / y[cutoff + 1 :])).mean()


@pytest.mark.parametrize(
    ("reporter", "partner", "tested"),
    [("JPN", "CHN", True), ("USA", "CHN", True), ("JPN", "DEU", False), ("CHN", "CHN", False), ("JPN", "", False)],
)
def test_china_s_new_year_may_move_trade_with_china(reporter: str, partner: str, tested: bool) -> None:
    assert ("lunar_new_year" in moving_holidays(reporter, partner)) == tested
    assert moving_holidays("VNM", "CHN").count("lunar_new_year") == 1


def test_trade_with_china_is_forecast_with_its_new_year() -> None:
    months = np.datetime64("2010-01", "M") + np.arange(132)
    effect = holiday_regressors(months, "lunar_new_year")[:, 1]
    noise = np.random.default_rng(4).normal(0, 0.02, 132)
    y = 100 * np.exp(noise - 0.6 * effect)
    errors = {
        partner: np.abs(
            [
                fit_series(
                    SeriesTask("a", months[0], y[:120], "ZZZ", (119,), 12, ("structural",), partner=partner)
                ).means[0, 0]
                - y[120:]
            ]
        ).mean()
        for partner in ("CHN", "DEU")
    }
    assert errors["CHN"] < 0.8 * errors["DEU"]
