"""Quarters, years and growth, held against an obvious loop over dates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.analysis.periods import KINDS, LENGTHS, Period, growth, periods, totals


def slow_totals(paths, observed, cutoff, found, back=0):
    out = np.full((paths.shape[0], paths.shape[1], len(found)), np.nan)
    for s in range(paths.shape[0]):
        known = {cutoff - i: observed[s, -1 - i] for i in range(observed.shape[1])}
        for d in range(paths.shape[1]):
            months = known | {cutoff + 1 + h: paths[s, d, h] for h in range(paths.shape[2])}
            for column, period in enumerate(found):
                last = cutoff + period.step - back
                span = [last - i for i in range(period.length)]
                if all(month in months for month in span):
                    out[s, d, column] = sum(months[month] for month in span)
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cutoff", ["2025-12", "2026-01", "2026-02", "2026-07"])
def test_totals_and_growth_agree_with_a_loop(kind, cutoff):
    cutoff = np.datetime64(cutoff)
    draw = np.random.default_rng(5)
    paths, observed = draw.gamma(5.0, 1.0, (2, 3, 24)), draw.gamma(5.0, 1.0, (2, 24))
    found = periods(cutoff, 24, kind)
    now = slow_totals(paths, observed, cutoff, found)
    before = slow_totals(paths, observed, cutoff, found, back=12)
    assert_allclose(totals(paths, observed, found), now)
    assert_allclose(growth(paths, observed, found), 100 * (now / before - 1))
    assert np.isfinite(now).all()


def test_quarters_and_years_end_where_the_calendar_says():
    cutoff = np.datetime64("2026-07")
    assert [period.step for period in periods(cutoff, 12, "quarter")] == [2, 5, 8, 11]
    assert periods(cutoff, 24, "year") == [Period("year", 5, 12), Period("year", 17, 12)]
    assert periods(cutoff, 24, "year")[0].first == -6
    assert [period.step for period in periods(cutoff, 24, "jan_feb")] == [7, 19]


def test_january_with_february_counts_only_while_both_are_to_come():
    assert [period.step for period in periods(np.datetime64("2025-12"), 12, "jan_feb")] == [2]
    assert periods(np.datetime64("2026-01"), 12, "jan_feb") == []


def test_a_period_that_reaches_before_the_figures_is_unknown():
    year = [Period("year", 1, LENGTHS["year"])]
    assert np.isnan(totals(np.ones((1, 1, 1)), np.ones((1, 5)), year)).all()
    assert totals(np.ones((1, 1, 1)), np.ones((1, 11)), year)[0, 0, 0] == 12


def test_growth_on_nothing_is_unknown():
    month = [Period("month", 1, 1)]
    assert np.isnan(growth(np.ones((1, 1, 1)), np.zeros((1, 12)), month)).all()


def test_a_month_that_is_not_known_makes_its_own_periods_unknown_and_no_others():
    cutoff = np.datetime64("2025-12")
    paths = np.ones((1, 1, 12))
    paths[..., 6:] = np.nan
    found = periods(cutoff, 12, "quarter")
    assert_allclose(totals(paths, np.ones((1, 24)), found)[0, 0], [3, 3, np.nan, np.nan])
    observed = np.ones((1, 24))
    observed[0, 0] = np.nan
    assert_allclose(growth(np.ones((1, 1, 12)), observed, found)[0, 0], [0, 0, 0, 0])
