"""Periods as text and as months; totals and growth against an explicit loop over months."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.analysis.periods import (
    FREQUENCIES,
    KINDS,
    Period,
    growth,
    parse_period,
    periods_ahead,
    scored_periods,
    totals,
)
from forecasting.data.months import month_number, month_text

JULY_2026 = month_number(2026, 7)


def number(text: str) -> int:
    return parse_period(text).first


def slow_totals(paths, observed, cutoff, found, back=0):
    out = np.full((paths.shape[0], paths.shape[1], len(found)), np.nan)
    for s in range(paths.shape[0]):
        known = {cutoff - i: observed[s, -1 - i] for i in range(observed.shape[1])}
        for d in range(paths.shape[1]):
            months = known | {cutoff + 1 + h: paths[s, d, h] for h in range(paths.shape[2])}
            for column, period in enumerate(found):
                wanted = [month - back for month in range(period.first, period.last + 1)]
                if all(month in months for month in wanted):
                    out[s, d, column] = sum(months[month] for month in wanted)
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cutoff", ["2025-12", "2026-01", "2026-02", "2026-07"])
def test_totals_and_growth_agree_with_a_loop(kind, cutoff):
    cutoff = number(cutoff)
    draw = np.random.default_rng(5)
    paths, observed = draw.gamma(5.0, 1.0, (2, 3, 24)), draw.gamma(5.0, 1.0, (2, 24))
    found = scored_periods(cutoff, 24, kind)
    now = slow_totals(paths, observed, cutoff, found)
    before = slow_totals(paths, observed, cutoff, found, back=12)
    assert_allclose(totals(paths, observed, found, cutoff), now)
    assert_allclose(growth(paths, observed, found, cutoff), 100 * (now / before - 1))
    assert np.isfinite(now).all()


def test_quarters_and_years_end_in_their_calendar_months():
    ends = [period.last - JULY_2026 for period in scored_periods(JULY_2026, 12, "quarter")]
    assert ends == [2, 5, 8, 11]
    assert scored_periods(JULY_2026, 24, "year") == [parse_period("2026"), parse_period("2027")]
    assert [period.last - JULY_2026 for period in scored_periods(JULY_2026, 24, "jan_feb")] == [7, 19]


def test_january_with_february_is_scored_only_while_both_are_ahead():
    assert scored_periods(number("2025-12"), 12, "jan_feb") == [parse_period("2026-01/2026-02")]
    assert scored_periods(number("2026-01"), 12, "jan_feb") == []


def test_a_total_that_starts_before_the_observed_months_is_nan():
    year = [parse_period("2026")]
    assert np.isnan(totals(np.ones((1, 1, 1)), np.ones((1, 5)), year, number("2026-11"))).all()
    assert totals(np.ones((1, 1, 1)), np.ones((1, 11)), year, number("2026-11"))[0, 0, 0] == 12


def test_growth_on_a_base_of_zero_is_nan():
    month = [parse_period("2026-08")]
    assert np.isnan(growth(np.ones((1, 1, 1)), np.zeros((1, 12)), month, JULY_2026)).all()


def test_an_unknown_month_affects_only_its_own_periods():
    cutoff = number("2025-12")
    paths = np.ones((1, 1, 12))
    paths[..., 6:] = np.nan
    found = scored_periods(cutoff, 12, "quarter")
    assert_allclose(totals(paths, np.ones((1, 24)), found, cutoff)[0, 0], [3, 3, np.nan, np.nan])
    observed = np.ones((1, 24))
    observed[0, 0] = np.nan
    assert_allclose(growth(np.ones((1, 1, 12)), observed, found, cutoff)[0, 0], [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("text", "first", "last", "kind"),
    [
        ("2026", "2026-01", "2026-12", "year"),
        ("2026-Q1", "2026-01", "2026-03", "quarter"),
        ("2026-Q4", "2026-10", "2026-12", "quarter"),
        ("2026-03", "2026-03", "2026-03", "month"),
        ("2026-01/2026-02", "2026-01", "2026-02", "jan_feb"),
        ("2026-04/2026-06", "2026-04", "2026-06", "quarter"),
        ("2026-01/2026-12", "2026-01", "2026-12", "year"),
        ("2026-02/2026-03", "2026-02", "2026-03", "span"),
        ("2025-08/2027-07", "2025-08", "2027-07", "span"),
    ],
)
def test_a_written_period_is_parsed(text: str, first: str, last: str, kind: str) -> None:
    period = parse_period(text)
    assert (month_text(period.first), month_text(period.last), period.kind) == (first, last, kind)


@pytest.mark.parametrize(
    "text", ["", "26", "2026-Q5", "2026-13", "2026-1", "2026-02/2026-01", "2026-01/2028-01", "2026/2027", "soon"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        parse_period(text)


@pytest.mark.parametrize(
    ("frequency", "labels"),
    [
        ("M", ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02"]),
        ("Q", ["2026-Q3", "2026-Q4"]),
        ("A", ["2026"]),
        ("JF", ["2027-01/2027-02"]),
        ("YTD", [*(f"2026-01/2026-{m:02}" for m in range(8, 13)), "2027-01/2027-01", "2027-01/2027-02"]),
    ],
)
def test_periods_of_a_frequency_have_a_month_ahead(frequency: str, labels: list[str]) -> None:
    assert [period.label for period in periods_ahead(JULY_2026, 7, frequency)] == labels  # type: ignore[arg-type]


def test_january_with_february_is_listed_even_if_january_is_known() -> None:
    (period,) = periods_ahead(month_number(2026, 1), 6, "JF")
    assert (period.label, period.observed(month_number(2026, 1))) == ("2026-01/2026-02", 1)


def test_months_up_to_the_cutoff_are_observed() -> None:
    assert [parse_period(text).observed(JULY_2026) for text in ("2025", "2026", "2027", "2026-Q3")] == [12, 7, 0, 1]


@settings(deadline=None)
@given(cutoff=st.integers(month_number(1990, 1), month_number(2060, 1)), horizon=st.integers(1, 40))
def test_every_period_ends_within_the_horizon_and_parses_back(cutoff: int, horizon: int) -> None:
    for frequency in FREQUENCIES:
        periods = periods_ahead(cutoff, horizon, frequency)
        assert all(cutoff < period.last <= cutoff + horizon for period in periods)
        assert all(period.observed(cutoff) < period.months for period in periods)
        if frequency != "YTD":
            assert [parse_period(period.label) for period in periods] == periods


def test_a_period_moved_back_keeps_its_kind_only_in_calendar_steps() -> None:
    assert parse_period("2026").back(12) == parse_period("2025")
    assert parse_period("2026-Q1").back(3) == parse_period("2025-Q4")
    assert parse_period("2026-Q2").back(1).kind == "span"
    assert Period(JULY_2026, JULY_2026, "month").back(1).label == "2026-06"
