"""Calendar regressors against values computed by hand."""

import os
import subprocess
import sys
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.data.calendar_regressors import (
    calendar_names,
    calendar_regressors,
    lunar_new_year,
    lunar_shares,
    working_days,
)
from forecasting.errors import NoLunarNewYear

# Year, New Year's Day, and the shares of the windows: pre Jan, Feb; during Jan, Feb; post Jan, Feb, Mar.
SHARES = [
    (2019, (2, 5), (0.80, 0.20), (0, 1), (0, 0.85, 0.15)),
    (2020, (1, 25), (1, 0), (1, 0), (0, 1, 0)),
    (2023, (1, 22), (1, 0), (1, 0), (0.15, 0.85, 0)),
    (2024, (2, 10), (0.55, 0.45), (0, 1), (0, 0.65, 0.35)),
    (2025, (1, 29), (1, 0), (3 / 7, 4 / 7), (0, 1, 0)),
    (2026, (2, 17), (0.20, 0.80), (0, 1), (0, 0.25, 0.75)),
    (2027, (2, 6), (0.75, 0.25), (0, 1), (0, 0.80, 0.20)),
    (2028, (1, 26), (1, 0), (6 / 7, 1 / 7), (0, 1, 0)),
]
MEANS = {"pre": (0.7222, 0.2778, 0), "during": (0.2751, 0.7249, 0), "post": (0.0167, 0.7407, 0.2426)}
WORKING_DAYS = {
    2025: [19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23],
    2026: [21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23],
}
EVERY_MONTH = np.arange("1980-01", "2046-01", dtype="datetime64[M]")


@pytest.mark.parametrize("code", ["MAR", "BGR", "BHR", "GTM"])
def test_countries_whose_code_the_package_lacks_have_working_days(code):
    assert calendar_names(code) == ("working_days",)
    assert calendar_regressors(EVERY_MONTH[500:512], code).shape == (12, 1)


@pytest.mark.parametrize(("year", "new_year", "pre", "during", "post"), SHARES)
def test_windows_fall_in_the_months_computed_by_hand(year, new_year, pre, during, post):
    assert lunar_new_year(year) == date(year, *new_year)
    january, february, march = (lunar_shares(year, month) for month in (1, 2, 3))
    assert_allclose((january[0], february[0], march[0]), (*pre, 0))
    assert_allclose((january[1], february[1], march[1]), (*during, 0))
    assert_allclose((january[2], february[2], march[2]), post)


@pytest.mark.parametrize("year", range(1980, 2046))
def test_every_window_lies_between_january_and_march(year):
    assert_allclose(np.sum([lunar_shares(year, month) for month in (1, 2, 3)], axis=0), 1.0)


def test_shares_are_centred_by_their_means_over_2000_to_2026():
    months = np.arange("2000-01", "2027-01", dtype="datetime64[M]")
    lunar = calendar_regressors(months, "CHN")[:, :3].reshape(27, 12, 3)
    assert_allclose(lunar.mean(axis=0), 0.0, atol=1e-12)
    shares = np.array([[lunar_shares(year, month) for month in (1, 2, 3)] for year in range(2000, 2027)])
    assert_allclose(shares.mean(axis=0).T, list(MEANS.values()), atol=5e-5)
    assert_allclose(shares - lunar[:, :3], np.broadcast_to(shares.mean(axis=0), shares.shape), atol=1e-12)


@pytest.mark.parametrize("year", sorted(WORKING_DAYS))
def test_working_days_include_make_up_weekends(year):
    assert [working_days(year, month) for month in range(1, 13)] == WORKING_DAYS[year]


def test_working_days_are_known_for_years_without_a_published_table():
    for year in (1980, 2003, 2027, 2045):
        days = [working_days(year, month) for month in range(1, 13)]
        assert 240 <= sum(days) <= 262
        assert all(14 <= day <= 24 for day in days)


def test_working_days_enter_as_a_centred_logarithm():
    months = np.array(["2025-10", "2026-10", "2024-10"], dtype="datetime64[M]")
    column = calendar_regressors(months, "CHN")[:, 3]
    assert_allclose(np.diff(column), 2 * np.diff(np.log([working_days(y, 10) for y in (2025, 2026, 2024)])))
    span = np.arange("2004-01", "2027-01", dtype="datetime64[M]")
    assert_allclose(calendar_regressors(span, "CHN")[:, 3].reshape(23, 12).mean(axis=0), 0.0, atol=1e-12)


def test_china_has_a_row_for_every_month_from_1980_to_2045():
    regressors = calendar_regressors(EVERY_MONTH, "CHN")
    assert regressors.shape == (len(EVERY_MONTH), 4) == (len(EVERY_MONTH), len(calendar_names("CHN")))
    assert np.isfinite(regressors).all()
    assert regressors[3:12:12, :3] == pytest.approx(0.0)


def test_a_row_depends_on_its_month_alone():
    whole = calendar_regressors(EVERY_MONTH, "CHN")
    assert_allclose(calendar_regressors(EVERY_MONTH[500:517], "CHN"), whole[500:517])


def test_a_reporter_without_a_calendar_has_no_column():
    assert calendar_regressors(EVERY_MONTH, "ZZZ").shape == (len(EVERY_MONTH), 0)
    assert calendar_names("ZZZ") == ()


def test_another_country_has_its_own_working_days():
    months = np.array(["2024-07", "2025-07"], dtype="datetime64[M]")
    assert calendar_names("USA") == ("working_days",)
    assert [working_days(2025, month, "USA") for month in (1, 7, 11)] == [21, 22, 18]
    regressors = calendar_regressors(months, "USA")
    assert regressors.shape == (2, 1)
    assert_allclose(np.diff(regressors[:, 0]), 2 * np.log(22 / working_days(2024, 7, "USA")))


def test_no_month_gives_no_row():
    assert calendar_regressors(EVERY_MONTH[:0], "CHN").shape == (0, 4)


def test_a_year_before_the_calendar_is_named():
    with pytest.raises(NoLunarNewYear, match="1940"):
        calendar_regressors(np.array(["1940-01"], dtype="datetime64[M]"), "CHN")


@pytest.mark.parametrize("language", ["zh_CN", "en_US", "C"])
def test_the_new_year_does_not_depend_on_the_language_of_the_machine(language):
    script = "from forecasting.data.calendar_regressors import lunar_new_year; print(lunar_new_year(2024))"
    environment = {**os.environ, "LANGUAGE": language, "LC_ALL": f"{language}.UTF-8"}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "2024-02-10"
