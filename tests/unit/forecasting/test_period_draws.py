"""Answers from joint paths against an explicit loop over draws, and identities of generated data."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.analysis.concentration import concentration
from forecasting.analysis.period_draws import (
    OF_A_WHOLE,
    SeriesPaths,
    Units,
    add_up,
    answer_unit,
    months_needed,
    period_draws,
    period_sums,
    probability,
    ratio_draws,
    share_error,
    summarise,
)
from forecasting.analysis.periods import Frequency, Period, parse_period, periods_ahead
from forecasting.data.months import month_number

START = month_number(2023, 1)
HORIZON = 24
OWN_UNITS: tuple[Units, ...] = ("lin", "chg", "pch", "pc1", "ch1", "log")
# No deadline: a slow machine is no counterexample.
quick = settings(max_examples=40, deadline=None)
CALENDAR: tuple[Frequency, ...] = ("M", "Q", "A")


@dataclass(frozen=True)
class World:
    """Partners x sectors with their totals, and the months of queries."""

    cells: tuple[tuple[SeriesPaths, ...], ...]
    cutoff: int

    @property
    def partners(self) -> list[SeriesPaths]:
        return [add_up(row, [1] * len(row)) for row in self.cells]

    @property
    def sectors(self) -> list[SeriesPaths]:
        return [add_up(column, [1] * len(column)) for column in zip(*self.cells, strict=True)]

    @property
    def whole(self) -> SeriesPaths:
        return add_up(self.partners, [1] * len(self.cells))


def series_paths(generator: np.random.Generator, past: int, draws: int) -> SeriesPaths:
    observed = generator.gamma(4.0, 25.0, size=past)
    paths = generator.gamma(4.0, 25.0, size=(draws, HORIZON)).astype(np.float32)
    return SeriesPaths(START, observed, np.zeros(past, dtype=bool), paths)


@st.composite
def worlds(draw_value: Any) -> World:
    generator = np.random.default_rng(draw_value(st.integers(0, 2**32 - 1)))
    partners, sectors = draw_value(st.integers(1, 4)), draw_value(st.integers(1, 3))
    past, draws = draw_value(st.integers(36, 48)), draw_value(st.integers(1, 30))
    cells = tuple(tuple(series_paths(generator, past, draws) for _ in range(sectors)) for _ in range(partners))
    return World(cells, START + past - 1)


def one_of(world: World) -> SeriesPaths:
    return world.cells[0][0]


def slow_sum(quantity: SeriesPaths, number: int, span: Period) -> float:
    """The sum over a period in one draw, month by month."""
    total, past = 0.0, len(quantity.observed)
    for month in range(span.first, span.last + 1):
        place = month - quantity.start
        total += float(quantity.observed[place] if place < past else quantity.paths[number, place - past])
    return total


def slow_draw(units: Units, quantity: SeriesPaths, number: int, span: Period, whole: SeriesPaths) -> float:
    """FRED's formulas, one draw and one period at a time."""
    now = slow_sum(quantity, number, span)
    length = span.last - span.first + 1
    before, year_ago = Period(span.first - length, span.last - length, ""), Period(span.first - 12, span.last - 12, "")
    by_units: dict[str, Callable[[], float]] = {
        "lin": lambda: now,
        "log": lambda: math.log(now),
        "chg": lambda: now - slow_sum(quantity, number, before),
        "pch": lambda: (now / slow_sum(quantity, number, before) - 1) * 100,
        "ch1": lambda: now - slow_sum(quantity, number, year_ago),
        "pc1": lambda: (now / slow_sum(quantity, number, year_ago) - 1) * 100,
        "share": lambda: now / slow_sum(whole, number, span) * 100,
        "contribution": lambda: (now - slow_sum(quantity, number, year_ago)) / slow_sum(whole, number, year_ago) * 100,
    }
    return by_units[units]()


@pytest.mark.parametrize("units", [*OWN_UNITS, "share", "contribution"])
@quick
@given(world=worlds(), frequency=st.sampled_from(CALENDAR))
def test_units_agree_with_a_loop(units: Units, world: World, frequency: Frequency) -> None:
    spans = periods_ahead(world.cutoff, HORIZON, frequency)
    quantity, whole = one_of(world), world.whole
    drawn = period_draws(units, quantity, spans, whole if units in OF_A_WHOLE else None)
    slow = [
        [slow_draw(units, quantity, number, span, whole) for span in spans] for number in range(len(quantity.paths))
    ]
    assert drawn.reasons == (None,) * len(spans)
    assert_allclose(drawn.values, slow, rtol=1e-6, atol=1e-6)


@quick
@given(world=worlds())
def test_a_year_is_the_sum_of_its_months_and_quarters(world: World) -> None:
    quantity = one_of(world)
    for year in periods_ahead(world.cutoff, HORIZON, "A"):
        quarters = [Period(year.first + 3 * i, year.first + 3 * i + 2, "quarter") for i in range(4)]
        months = [Period(month, month, "month") for month in range(year.first, year.last + 1)]
        whole = period_sums(quantity, [year]).values[:, 0]
        assert_allclose(period_sums(quantity, quarters).values.sum(axis=1), whole)
        assert_allclose(period_sums(quantity, months).values.sum(axis=1), whole)


@quick
@given(world=worlds())
def test_the_year_to_date_of_december_is_the_year(world: World) -> None:
    quantity = one_of(world)
    years = periods_ahead(world.cutoff, HORIZON, "A")
    to_date = [span for span in periods_ahead(world.cutoff, HORIZON, "YTD") if span.months == 12]
    assert_allclose(period_draws("pc1", quantity, to_date).values, period_draws("pc1", quantity, years).values)


@quick
@given(world=worlds(), frequency=st.sampled_from(CALENDAR))
def test_shares_sum_to_a_hundred_in_every_draw(world: World, frequency: Frequency) -> None:
    spans = periods_ahead(world.cutoff, HORIZON, frequency)
    for parts in (world.partners, world.sectors):
        shares = sum(period_draws("share", part, spans, world.whole).values for part in parts)
        assert_allclose(shares, np.full_like(shares, 100.0), rtol=1e-6)


@quick
@given(world=worlds(), frequency=st.sampled_from(CALENDAR))
def test_contributions_sum_to_the_growth_of_the_whole(world: World, frequency: Frequency) -> None:
    spans = periods_ahead(world.cutoff, HORIZON, frequency)
    growth = period_draws("pc1", world.whole, spans).values
    for parts in (world.partners, world.sectors):
        assert_allclose(
            sum(period_draws("contribution", part, spans, world.whole).values for part in parts), growth, atol=1e-5
        )


@quick
@given(world=worlds())
def test_a_balance_is_exports_less_imports_in_every_draw(world: World) -> None:
    exports, imports = world.whole, one_of(world)
    spans = periods_ahead(world.cutoff, HORIZON, "Q")
    balance = period_sums(add_up([exports, imports], [1, -1]), spans).values
    assert_allclose(balance, period_sums(exports, spans).values - period_sums(imports, spans).values, atol=1e-3)


@quick
@given(world=worlds(), inner=st.floats(1, 98), wider=st.floats(0.1, 1.9))
def test_an_interval_lies_within_that_of_a_higher_level(world: World, inner: float, wider: float) -> None:
    drawn = period_draws("pc1", one_of(world), periods_ahead(world.cutoff, HORIZON, "Q"))
    tails = [(100 - level) / 200 for level in (inner + wider, inner)]
    for row in summarise(drawn, [tails[0], tails[1], 1 - tails[1], 1 - tails[0]]):
        assert row is not None
        outer_lo, inner_lo, inner_hi, outer_hi = row[2:]
        assert outer_lo <= inner_lo <= row[1] <= inner_hi <= outer_hi


@quick
@given(world=worlds(), target=st.floats(0.01, 0.99))
def test_probabilities_agree_with_quantiles(world: World, target: float) -> None:
    """As many draws lie at or below a quantile as its probability says, but for the one it falls on."""
    drawn = period_draws("lin", one_of(world), [parse_period("2027")])
    (row,) = summarise(drawn, [target])
    assert row is not None
    found = probability(drawn.values[:, 0], below=row[2])
    assert abs(found.probability - target) <= 1 / found.draws + 1e-12


@quick
@given(world=worlds(), threshold=st.floats(-500, 4000), width=st.floats(0, 1000))
def test_probabilities_above_below_and_between_sum_to_one(world: World, threshold: float, width: float) -> None:
    values = period_draws("lin", one_of(world), [parse_period("2027")]).values[:, 0]
    at_a_draw = float(values[0])
    for lower in (threshold, at_a_draw):
        above, below = probability(values, above=lower).probability, probability(values, below=lower).probability
        assert above + below == pytest.approx(1.0)
        between = probability(values, above=lower, below=lower + width).probability
        beyond = probability(values, above=lower + width).probability
        assert below + between + beyond == pytest.approx(1.0)


def test_a_probability_has_its_standard_error() -> None:
    found = probability(np.arange(1000.0), above=249.5)
    assert found.probability == 0.75
    assert found.standard_error == pytest.approx(math.sqrt(0.75 * 0.25 / 1000), rel=0.01)
    assert probability(np.zeros(1000), above=0.0).standard_error > 0
    assert share_error(1.0, 4) == pytest.approx(math.sqrt(0.75 * 0.25 / 8))


@quick
@given(world=worlds())
def test_concentration_is_that_of_expected_shares_with_the_spread_of_the_draws(world: World) -> None:
    spans = periods_ahead(world.cutoff, HORIZON, "Q")
    found = concentration(world.partners, world.whole, spans)
    draws = len(found.index.values)
    for column, span in enumerate(spans):
        shares = np.array(
            [
                [100 * slow_sum(part, number, span) / slow_sum(world.whole, number, span) for part in world.partners]
                for number in range(draws)
            ]
        )
        expected, by_draw = shares.mean(axis=0), np.square(shares).sum(axis=1)
        index = found.index.values[:, column]
        assert index.mean() == pytest.approx(np.square(expected).sum(), rel=1e-5)
        assert index - index.mean() == pytest.approx(by_draw - by_draw.mean(), abs=0.5)
        for number in (1, 3):
            largest = np.argsort(-expected, kind="stable")[:number]
            assert found.top(number).values[:, column].mean() == pytest.approx(expected[largest].sum(), rel=1e-5)


def test_the_dispersion_of_forecasts_does_not_raise_the_concentration() -> None:
    """Two equal halves that become uncertain: every draw is more concentrated, the expected shares are not."""
    joined = np.zeros(1, dtype=bool)
    half = SeriesPaths(0, np.ones(1), joined, np.array([[0.5], [1.5]]))
    other = SeriesPaths(0, np.ones(1), joined, np.array([[1.5], [0.5]]))
    whole = SeriesPaths(0, np.full(1, 2.0), joined, np.full((2, 1), 2.0))
    found = concentration([half, other], whole, [Period(1, 1, "month")])
    assert found.index.values.mean() == pytest.approx(5000)
    assert np.square(found.shares).sum(axis=0).mean() == pytest.approx(6250)


def simple(observed: list[float], paths: list[list[float]]) -> SeriesPaths:
    """Months from January 2026."""
    known = np.array(observed)
    return SeriesPaths(
        month_number(2026, 1), known, np.zeros(len(known), dtype=bool), np.array(paths, dtype=np.float32)
    )


def test_observed_months_count_as_observed() -> None:
    drawn = period_sums(simple([1.0, 2.0], [[10.0], [20.0]]), [parse_period("2026-Q1")])
    assert drawn.values[:, 0].tolist() == [13.0, 23.0]


def test_a_base_of_zero_gives_no_growth_and_the_reason() -> None:
    quantity = simple([0.0, 1.0], [[1.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
    spans = [parse_period(text) for text in ("2026-02", "2026-03", "2026-05")]
    drawn = period_draws("pch", quantity, spans)
    assert drawn.reasons == (
        "the base 2026-01 is zero or below in 2 of 2 draws",
        None,
        "the base 2026-04 is zero or below in 1 of 2 draws",
    )
    assert np.isnan(drawn.values[:, [0, 2]]).all()
    assert summarise(drawn, [0.1])[0] is None
    assert summarise(drawn, [0.1])[1] == [0.0, 0.0, 0.0]


def test_a_logarithm_needs_positive_draws() -> None:
    drawn = period_draws(
        "log", simple([1.0], [[0.0, 1.0], [1.0, 1.0]]), [parse_period("2026-02"), parse_period("2026-03")]
    )
    assert drawn.reasons == ("2026-02 is zero or below in 1 of 2 draws", None)
    assert drawn.values[:, 1].tolist() == [0.0, 0.0]


def test_an_unknown_month_gives_the_reason() -> None:
    quantity = simple([math.nan, 1.0], [[1.0] * 12])
    spans = [parse_period(text) for text in ("2026-Q1", "2026-02/2026-03", "2026")]
    assert period_sums(quantity, spans).reasons == ("2026-01 is not observed", None, "2026-01 is not observed")
    before = period_draws("pc1", quantity, [parse_period("2026-03")])
    assert before.reasons == ("2025-03 is not observed",)
    beyond = period_sums(quantity, [parse_period("2027"), parse_period("2027-02/2027-03")])
    assert beyond.reasons == ("2027-03 is beyond the horizon",) * 2


def test_a_combined_january_february_counts_only_as_a_sum() -> None:
    quantity = simple([5.0, 5.0, 1.0], [[2.0] * 12])
    quantity = replace(quantity, joined=np.array([False, True, False]))
    spans = [parse_period(text) for text in ("2026-01/2026-02", "2026-Q1", "2026-01", "2026-02/2026-04")]
    drawn = period_sums(quantity, spans)
    assert drawn.values[0, :2].tolist() == [10.0, 11.0]
    reason = "2026-01 is published as one figure with the month after it"
    assert drawn.reasons == (None, None, reason, reason)


def test_an_answer_needs_its_months_and_their_base() -> None:
    spans = [parse_period("2026-Q3"), parse_period("2026-Q4")]
    needed = {units: months_needed(spans, units) for units in ("lin", "chg", "pc1", "contribution", "share")}
    july, december = month_number(2026, 7), month_number(2026, 12)
    assert needed == {
        "lin": (july, december),
        "chg": (july - 3, december),
        "pc1": (july - 12, december),
        "contribution": (july - 12, december),
        "share": (july, december),
    }


def test_every_answer_has_a_unit() -> None:
    assert [answer_unit(units, "USD m") for units in OWN_UNITS] == ["USD m", "USD m", "%", "%", "USD m", "log USD m"]
    assert (answer_unit("share", "USD m"), answer_unit("contribution", "USD m")) == ("%", "percentage points")


def test_the_ratio_of_a_period_is_that_of_its_sums() -> None:
    joined = np.zeros(12, dtype=bool)
    value = SeriesPaths(0, np.arange(1.0, 13.0), joined, np.array([[14.0, 6.0], [28.0, 12.0]]))
    quantity = SeriesPaths(0, np.full(12, 2.0), joined, np.array([[7.0, 3.0], [7.0, 3.0]]))
    two_months = Period(12, 13, "jan_feb")
    level = ratio_draws("lin", value, quantity, [two_months], 1e3)
    assert level.values[:, 0].tolist() == [2000.0, 4000.0]
    growth = ratio_draws("pc1", value, quantity, [two_months], 1e3)
    assert growth.values[:, 0] == pytest.approx([100 * (2 / 0.75 - 1), 100 * (4 / 0.75 - 1)])


def test_a_ratio_is_unknown_where_its_denominator_is_zero_in_a_draw() -> None:
    joined = np.zeros(1, dtype=bool)
    value = SeriesPaths(0, np.ones(1), joined, np.ones((2, 1)))
    quantity = SeriesPaths(0, np.ones(1), joined, np.array([[1.0], [0.0]]))
    (reason,) = ratio_draws("lin", value, quantity, [Period(1, 1, "month")], 1.0).reasons
    assert reason is not None
