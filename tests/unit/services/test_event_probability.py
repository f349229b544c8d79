"""The period of a question that names none."""

from forecasting.analysis.periods import Period, parse_period
from services.forecasts.event_probability import next_year


def periods(*labels: str) -> list[Period]:
    return [parse_period(label) for label in labels]


def test_a_question_without_a_period_is_about_the_calendar_year_of_the_next_month() -> None:
    assert next_year(periods("2026-08", "2026-Q3", "2026-01/2026-08", "2026", "2027")).label == "2026"


def test_a_year_that_is_over_but_not_observed_is_not_asked_about() -> None:
    assert next_year(periods("2026-01", "2026-Q1", "2025", "2026")).label == "2026"


def test_where_no_year_is_in_reach_the_question_is_about_the_next_month() -> None:
    assert next_year(periods("2026-03", "2026-04", "2026-Q1")).label == "2026-03"
