"""The release calendar as iCalendar (RFC 5545)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from store.queries.catalog import DatasetRecord
from store.queries.releases import ReleaseRecord

HALF_AN_HOUR = timedelta(minutes=30)
A_DAY = timedelta(days=1)


def calendar_feed(
    planned: Mapping[DatasetRecord, Sequence[ReleaseRecord]], *, now: datetime, grace: timedelta
) -> bytes:
    """An event for each release: at its time where that is known, else the whole day."""
    calendar = Calendar()
    calendar.add("prodid", "-//Tradewind//release calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("name", "Trade releases")
    calendar.add("x-wr-calname", "Trade releases")
    for dataset, releases in planned.items():
        for release in releases:
            calendar.add_component(_event(dataset, release, now, grace))
    return bytes(calendar.to_ical())


def _event(dataset: DatasetRecord, release: ReleaseRecord, now: datetime, grace: timedelta) -> Event:
    event = Event()
    # The same for as long as the release is planned, so that an edited date moves the event.
    event.add("uid", f"{dataset.id}-{release.period:%Y-%m}@tradewind")
    event.add("dtstamp", now)
    event.add("summary", f"{dataset.title}: {release.period:%Y-%m}")
    event.add("dtstart", release.due_at or release.due_on)
    event.add("dtend", release.due_at + HALF_AN_HOUR if release.due_at else release.due_on + A_DAY)
    event.add("description", f"{dataset.publisher}. {release.status(now, grace)}.")
    event.add("categories", [dataset.id])
    event.add("transp", "TRANSPARENT")
    return event
