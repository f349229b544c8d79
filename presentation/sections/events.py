"""Events of a series: marks on its charts, and the list beside its forecast."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from presentation import formatting, links
from presentation.sections.section import Section, figure, text
from services.events.events import LEAST_WEIGHT, ListedEvent, listed_events, weight
from services.runs.published_run import PublishedRun
from store.models import ResolvedSeries
from store.queries import run_events
from store.queries.events import EventRecord

Row = dict[str, Any]
DATES = (
    text("announced", "Announced", formatting.day_name),
    text("effective", "Effective", formatting.day_name),
    text("until", "Until", formatting.day_name),
)
RATES = (figure("rate_before", "Rate before (per cent)"), figure("rate_after", "Rate after (per cent)"))
MOST_MARKS, LEAST_DISTANCE = 6, 3
"""Marks on a chart, and rows between two marks, so that numbers do not overlap on a telephone."""


class EventMarks(NamedTuple):
    """Marks of a chart (month, name, mark, tip), a line that explains them, and the mark of each event's id."""

    rows: list[Row]
    note: str
    marks: dict[str, int]


def mark_events(listed: Sequence[ListedEvent], rows: Sequence[Row]) -> EventMarks:
    """The largest events of a chart, each at the row of its effective month; neighbours share a mark.

    `rows` are those of the chart by time, each with the ISO day of its last month in `month`, and its `name`.
    """
    places: dict[str, int] = {}
    for found in listed:
        month = f"{found.event.effective:%Y-%m}-01"
        shown = bool(rows) and rows[0]["month"] <= month <= rows[-1]["month"]
        if shown and weight(found.event) >= LEAST_WEIGHT:
            places[found.event.id] = next(place for place, row in enumerate(rows) if row["month"] >= month)
    by_weight = sorted((found for found in listed if found.event.id in places), key=lambda found: -weight(found.event))
    chosen: dict[int, list[ListedEvent]] = {}
    for found in by_weight:
        place = places[found.event.id]
        near = min(chosen, key=lambda other: abs(other - place), default=None)
        if near is not None and abs(near - place) < LEAST_DISTANCE:
            chosen[near].append(found)
        elif len(chosen) < MOST_MARKS:
            chosen[place] = [found]
    groups = [(place, sorted(chosen[place], key=lambda found: found.event.effective)) for place in sorted(chosen)]
    marks = {found.event.id: number for number, (_, group) in enumerate(groups, start=1) for found in group}
    drawn = [
        {
            "month": rows[place]["month"],
            "name": rows[place]["name"],
            "mark": str(number),
            "tip": "; ".join(found.event.title for found in group),
        }
        for number, (place, group) in enumerate(groups, start=1)
    ]
    keys = [f"{number} {_label(group)}" for number, (_, group) in enumerate(groups, start=1)]
    return EventMarks(drawn, f"Events: {'; '.join(keys)}." if keys else "", marks)


def _label(group: Sequence[ListedEvent]) -> str:
    """The title of the largest event of a mark, and the number of the others."""
    title = max(group, key=lambda found: weight(found.event)).event.title
    return title if len(group) == 1 else f"{title} and {len(group) - 1} more"


def event_cells(event: EventRecord) -> Row:
    """Title, dates, rates and source of an event, as cells of a row."""
    return {
        "title": event.title,
        "announced": event.announced,
        "effective": event.effective,
        "until": event.until,
        "rate_before": event.rate_before,
        "rate_after": event.rate_after,
        "source": event.source,
    }


def events_section(
    published: PublishedRun, series: ResolvedSeries, listed: Sequence[ListedEvent], marks: EventMarks
) -> Section:
    """The events that concern a series, newest first, and whether the forecast knows them."""
    rows = [
        {
            **event_cells(found.event),
            "mark": marks.marks.get(found.event.id),
            "status": found.status,
            "relation": SCOPES[found.relation],
        }
        for found in reversed(listed)
    ]
    return Section(
        name="events",
        title="Events",
        columns=[
            text("title", "Event"),
            text("status", "Status"),
            *DATES,
            *RATES,
            text("relation", "Scope"),
            text("source", "Source"),
            figure("mark", "Mark in the chart"),
        ],
        rows=rows,
        note=f"Status in the forecast of run {published.run.id}, as of {formatting.day_name(published.run.as_of)}.",
        open=any(found.status != "in the observations" for found in listed),
        api=links.api_dataset_events(published.dataset.id, run=published.run.id, **links.codes(series)),
    )


SCOPES = {"scope": "the whole series", "part": "a part of the series"}


def read_listed(published: PublishedRun, series: ResolvedSeries) -> list[ListedEvent]:
    """The events that concern a series of a run."""
    used = run_events.used(published.session, published.run.id)
    return listed_events(published.session, published.run, series, used=used)
