"""Numbers and dates as an economist writes them."""

from datetime import UTC, date, datetime

import pytest

from presentation import formatting


def spaced(text: str) -> str:
    return text.replace(formatting.NBSP, " ").replace(formatting.MINUS, "-")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (395.2, "USD bn", "USD 395bn"),
        (1304.0, "USD bn", "USD 1.30tn"),
        (999.7, "USD bn", "USD 1.00tn"),
        (12_345.0, "USD m", "USD 12.3bn"),
        (0.42, "USD m", "USD 420k"),
        (-95.94, "USD bn", "-USD 95.9bn"),
        (0.0, "USD m", "USD 0m"),
        (7.125, "tonnes", "7.12 tonnes"),
        (None, "USD m", "–"),
    ],
)
def test_money_is_rescaled_to_a_readable_magnitude(value: float | None, unit: str, expected: str) -> None:
    assert spaced(formatting.money(value, unit)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(18.7, "+19 %"), (-2.41, "-2.4 %"), (9.96, "+10 %"), (0.04, "0.0 %"), (-0.04, "0.0 %"), (1234.5, "+1,234 %")],
)
def test_growth_has_a_sign_and_no_false_precision(value: float, expected: str) -> None:
    assert spaced(formatting.per_cent_change(value)) == expected


@pytest.mark.parametrize(
    ("chance", "expected"),
    [(0.97, "97 %"), (1.0, "above 99 %"), (0.0, "below 1 %"), (0.004, "below 1 %"), (0.006, "1 %")],
)
def test_a_probability_is_never_certain(chance: float, expected: str) -> None:
    assert spaced(formatting.share(chance)) == expected


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2026-08", "August 2026"),
        ("2026-Q3", "Q3 2026"),
        ("2026", "2026"),
        ("2026-01/2026-02", "January and February 2026"),
    ],
)
def test_periods_are_written_out(period: str, expected: str) -> None:
    assert formatting.period_name(period) == expected


def test_days_and_moments_are_written_out() -> None:
    assert formatting.day_name(date(2026, 9, 9)) == "9 September 2026"
    assert formatting.moment_name(datetime(2026, 9, 9, 7, 5, tzinfo=UTC)) == "9 September 2026, 07:05 UTC"


@pytest.mark.parametrize(("seconds", "expected"), [(28.4, "28 s"), (250, "4 min 10 s"), (7500, "2 h 5 min")])
def test_a_duration_has_two_units_at_most(seconds: float, expected: str) -> None:
    assert formatting.duration(seconds) == expected


def test_a_round_figure_has_no_zeros_after_the_point() -> None:
    assert spaced(formatting.round_money(1200.0, "USD bn")) == "USD 1.2tn"
    assert spaced(formatting.round_money(190_000.0, "USD m")) == "USD 190bn"
    assert spaced(formatting.round_money(1000.0, "USD bn")) == "USD 1tn"


def test_counts_agree_with_their_noun() -> None:
    assert [spaced(formatting.count_of(number, "run")) for number in (1, 2)] == ["1 run", "2 runs"]
    assert formatting.number(1234) == "1,234"


def test_no_line_ends_before_a_per_cent_sign() -> None:
    assert formatting.unbroken("growth of −20 % in 2027, 50 % diverted") == ("growth of −20 % in 2027, 50 % diverted")
