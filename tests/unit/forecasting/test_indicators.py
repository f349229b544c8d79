"""Indicators: the ragged edge, and surprises."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.combination.indicator_adjustment import PENALTIES, bounded, regress
from forecasting.combination.indicator_surprises import find_surprises, surprise
from forecasting.data.indicators import DAY, Indicator, shift_day
from forecasting.data.months import MONTH
from tests.support.indicators import day, index, indicators, shocks


@pytest.mark.parametrize(
    ("given", "months", "shifted"),
    [
        ("2026-08-06", -2, "2026-06-06"),
        ("2026-09-30", -1, "2026-08-31"),
        ("2026-08-31", -6, "2026-02-28"),
        ("2026-03-30", -1, "2026-02-28"),
        ("2026-01-01", -1, "2025-12-01"),
    ],
)
def test_a_day_is_shifted_by_months_and_a_last_day_stays_one(given: str, months: int, shifted: str) -> None:
    assert shift_day(day(given), months) == day(shifted)


def test_the_latest_vintage_of_each_month_counts_on_a_day() -> None:
    months = np.array(["2022-11", "2022-12", "2022-12"], dtype=MONTH)
    known_on = np.array(["2022-12-01", "2023-01-01", "2023-01-15"], dtype=DAY)
    indicator = Indicator("K", "amount", "KOR", months, known_on, np.array([1.0, 2.0, 3.0]))
    assert_array_equal(indicator.known(day("2023-01-14"))[1], [1.0, 2.0])
    assert_array_equal(indicator.known(day("2023-01-15"))[1], [1.0, 3.0])
    assert_array_equal(indicator.known(day("2022-12-31"))[1], [1.0])


def test_a_surprise_in_an_index_is_its_distance_from_the_last_three_months() -> None:
    indicator = index(shocks())
    cutoff = np.datetime64("2020-06", "M")
    place = int((cutoff - indicator.months[0]).astype(int))
    expected = indicator.values[place + 2] - indicator.values[place - 2 : place + 1].mean()
    assert surprise(indicator, cutoff, 2, day("2020-08-31")) == pytest.approx(expected)
    assert np.isnan(surprise(indicator, cutoff, 2, day("2020-08-30")))


def test_a_surprise_in_an_amount_is_what_its_season_does_not_explain() -> None:
    months = np.datetime64("2012-01", "M") + np.arange(120)
    values = 100 * np.exp(0.2 * np.sin(2 * np.pi * np.arange(120) / 12) + 0.005 * np.arange(120))
    values[-1] *= 1.3
    indicator = Indicator("A", "amount", "DEU", months, (months + 1).astype(DAY), values)
    found = surprise(indicator, months[-2], 1, day("2022-01-01"))
    assert found == pytest.approx(np.log(1.3), abs=0.02)


def test_a_gap_shortens_the_history_of_an_amount() -> None:
    months = np.datetime64("2012-01", "M") + np.arange(120)
    kept = np.arange(120) != 100
    indicator = Indicator("A", "amount", "DEU", months[kept], (months[kept] + 1).astype(DAY), np.ones(119))
    assert np.isnan(surprise(indicator, months[-2], 1, day("2022-01-01")))


def test_a_fold_knows_as_many_months_as_its_own_day_allows() -> None:
    cutoffs = np.array(["2021-01", "2021-02", "2022-12"], dtype=MONTH)
    found = find_surprises(indicators(index(shocks(), lag=0), as_of="2023-01-31"), cutoffs)
    assert [found.leads_at(fold).tolist() for fold in range(3)] == [[1], [1], [1]]
    found = find_surprises(indicators(index(shocks(), lag=3), as_of="2023-02-02"), cutoffs)
    assert [found.leads_at(fold).tolist() for fold in range(3)] == [[0], [0], [0]]


def test_a_surprise_is_bounded_whatever_its_size() -> None:
    values = np.append(np.random.default_rng(1).normal(size=40), [60.0, np.nan])
    found = bounded(values[None])[0]
    assert (found[-2], found[-1]) == (2.5, 0.0)


def test_a_regression_on_noise_gives_no_effect_mostly() -> None:
    draw = np.random.default_rng(4)
    target = np.arange(600, 661)
    effects = [
        regress(draw.normal(size=60), bounded(draw.normal(size=(1, 61))), target, PENALTIES)[0] for _ in range(60)
    ]
    assert np.mean(np.abs(effects) < 0.1) > 0.6
    assert np.all(np.abs(effects) < 0.5)


def test_few_folds_give_no_effect() -> None:
    x = np.random.default_rng(4).normal(size=(1, 20))
    assert_array_equal(regress(x[0, :19] * 0.1, x, np.arange(600, 620), PENALTIES), [0.0])
