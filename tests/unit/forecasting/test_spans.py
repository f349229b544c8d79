import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.analysis.spans import FREQUENCIES, Span, month_number, month_text, read_span, spans_ahead

JULY_2026 = month_number(2026, 7)


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
def test_a_period_is_read_as_it_is_written(text: str, first: str, last: str, kind: str) -> None:
    span = read_span(text)
    assert (month_text(span.first), month_text(span.last), span.kind) == (first, last, kind)


@pytest.mark.parametrize(
    "text", ["", "26", "2026-Q5", "2026-13", "2026-1", "2026-02/2026-01", "2026-01/2028-01", "2026/2027", "soon"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        read_span(text)


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
def test_the_spans_of_a_frequency_are_those_with_a_month_to_come(frequency: str, labels: list[str]) -> None:
    assert [span.label for span in spans_ahead(JULY_2026, 7, frequency)] == labels  # type: ignore[arg-type]


def test_january_with_february_is_asked_for_even_where_january_is_known() -> None:
    (span,) = spans_ahead(month_number(2026, 1), 6, "JF")
    assert (span.label, span.observed(month_number(2026, 1))) == ("2026-01/2026-02", 1)


def test_months_up_to_the_cutoff_are_observed() -> None:
    assert [read_span(text).observed(JULY_2026) for text in ("2025", "2026", "2027", "2026-Q3")] == [12, 7, 0, 1]


@settings(deadline=None)
@given(cutoff=st.integers(month_number(1990, 1), month_number(2060, 1)), horizon=st.integers(1, 40))
def test_every_span_ends_in_reach_is_not_over_and_reads_back(cutoff: int, horizon: int) -> None:
    for frequency in FREQUENCIES:
        spans = spans_ahead(cutoff, horizon, frequency)
        assert all(cutoff < span.last <= cutoff + horizon for span in spans)
        assert all(span.observed(cutoff) < span.months for span in spans)
        if frequency != "YTD":
            assert [read_span(span.label) for span in spans] == spans


def test_the_same_span_earlier_keeps_its_kind_only_where_it_is_one() -> None:
    assert read_span("2026").back(12) == read_span("2025")
    assert read_span("2026-Q1").back(3) == read_span("2025-Q4")
    assert read_span("2026-Q2").back(1).kind == "span"
    assert Span(JULY_2026, JULY_2026, "month").back(1).label == "2026-06"
