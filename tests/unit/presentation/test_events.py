"""Marks of events on charts: the largest, not crowded, and explained."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from presentation.charts.comparison import comparison
from presentation.charts.decomposition import components
from presentation.charts.fan import fan
from presentation.charts.period_bars import period_bars
from presentation.exports import png, svg
from presentation.sections.events import LEAST_DISTANCE, MOST_MARKS, mark_events
from services.events.events import ListedEvent
from store.queries.events import EventRecord

MONTHS: list[dict[str, Any]] = [
    {"month": f"{year}-{month:02}-01", "name": f"{year}-{month:02}", "value": 1.0 + month}
    for year in (2024, 2025)
    for month in range(1, 13)
]
AHEAD = [{**row, "month": f"2026{row['month'][4:]}", "median": 3.0, "lo_80": 2.0, "hi_80": 4.0} for row in MONTHS[:6]]
EVENTS = [{"month": "2025-04-01", "name": "2025-04", "mark": "1", "tip": "Reciprocal duty of 10 %"}]


def listed(effective: str, rate: float = 10.0, **more: Any) -> ListedEvent:
    day = date.fromisoformat(effective)
    fields: dict[str, Any] = {
        **{"id": f"DUTY_{effective}_{rate:g}", "kind": "tariff", "title": f"Duty of {rate:g} %", "measure": "DUTY"},
        **{"announced": day, "effective": day, "until": None, "until_known_on": None, "authority": "a"},
        **{"reporter": "CHN", "flow": "X", "partners": ("USA",), "sectors": (), "share": None},
        **{"rate_before": 0.0, "rate_after": rate, "source": "s", "note": ""},
    }
    return ListedEvent(EventRecord(**fields | more), "scope", "in the observations")


def test_a_mark_is_at_the_month_of_the_effective_day() -> None:
    marked = mark_events([listed("2025-04-05")], MONTHS)
    assert [(row["month"], row["mark"], row["tip"]) for row in marked.rows] == [("2025-04-01", "1", "Duty of 10 %")]
    assert marked.note == "Events: 1 Duty of 10 %."


def test_events_outside_the_chart_have_no_mark() -> None:
    marked = mark_events([listed("2023-12-31"), listed("2026-01-01")], MONTHS)
    assert (marked.rows, marked.note, marked.marks) == ([], "", {})


def test_a_quarter_has_the_mark_of_its_months() -> None:
    quarters = [{"month": f"2025-{month:02}-01", "name": f"Q{month // 3} 2025"} for month in (3, 6, 9, 12)]
    assert [row["name"] for row in mark_events([listed("2025-05-14")], quarters).rows] == ["Q2 2025"]


def test_neighbours_share_a_mark_named_after_the_largest() -> None:
    marked = mark_events([listed("2025-04-05", 10), listed("2025-04-10", 125), listed("2025-05-02", 20)], MONTHS)
    assert len(marked.rows) == 1
    assert marked.note == "Events: 1 Duty of 125 % and 2 more."
    assert set(marked.marks.values()) == {1}


def test_marks_are_few_and_apart() -> None:
    found = [listed(f"{year}-{month:02}-15", month) for year in (2024, 2025) for month in range(1, 13)]
    marked = mark_events(found, MONTHS)
    places = [next(place for place, row in enumerate(MONTHS) if row["month"] == mark["month"]) for mark in marked.rows]
    assert len(places) == MOST_MARKS
    assert min(after - before for before, after in pairwise(places)) >= LEAST_DISTANCE
    assert [mark["mark"] for mark in marked.rows] == [str(number) for number in range(1, MOST_MARKS + 1)]


def test_the_largest_events_are_marked() -> None:
    small = [listed(f"2024-{month:02}-15", 10) for month in range(1, 13)]
    marked = mark_events([*small, *(listed(f"2025-{month:02}-15", 50) for month in range(1, 13, 2))], MONTHS)
    assert {number for event_id, number in marked.marks.items() if event_id.endswith("_50")} >= {4, 5, 6}


@pytest.mark.parametrize("kind", ["fan", "bars", "comparison", "decomposition"])
def test_every_chart_over_time_draws_the_marks_in_both_formats(kind: str) -> None:
    parts = [{"component": "trend", "month": row["month"], "value": 1.0, "ahead": False} for row in MONTHS]
    specs = {
        "fan": lambda events: fan(MONTHS, AHEAD, unit="USD bn", levels=(80.0,), events=events),
        "bars": lambda events: period_bars(MONTHS, [], unit="USD bn", levels=(80.0,), events=events),
        "comparison": lambda events: comparison(MONTHS, AHEAD, AHEAD, unit="USD bn", events=events),
        "decomposition": lambda events: components(parts, order=["trend"], events=events),
    }
    with_mark, without = svg(specs[kind](EVENTS)), svg(specs[kind]([]))
    assert "event number" in with_mark
    assert "event number" not in without
    assert png(specs[kind](EVENTS)).startswith(b"\x89PNG")
