"""Events as answers."""

from api.rest.schemas.events import EventAnswer, SeriesEventAnswer
from services.events import ListedEvent
from store.queries.events import EventRecord


def event_answer(event: EventRecord) -> EventAnswer:
    """An event with its scope."""
    return {
        "id": event.id,
        "kind": event.kind,
        "title": event.title,
        "measure": event.measure,
        "announced": event.announced,
        "effective": event.effective,
        "until": event.until,
        "until_known_on": event.until_known_on,
        "authority": event.authority,
        "reporter": event.reporter,
        "flow": event.flow,
        "partner": " ".join(event.partners),
        "sector": " ".join(event.sectors),
        "share": event.share,
        "rate_before": event.rate_before,
        "rate_after": event.rate_after,
        "source": event.source,
        "note": event.note,
    }


def series_event_answer(found: ListedEvent) -> SeriesEventAnswer:
    """An event with its relation to a series and its status in a run."""
    return {**event_answer(found.event), "relation": found.relation, "status": found.status}
