"""Events as answers."""

from api.rest.schemas.events import EventAmountAnswer, EventAnswer, EventEvidenceAnswer, SeriesEventAnswer
from forecasting.data.months import format_month
from services.events.events import ListedEvent
from store.queries.events import EventRecord
from store.queries.run_events import EventEffectRecord, EventEvidenceRecord


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


def event_evidence_answer(row: EventEvidenceRecord, unit: str) -> EventEvidenceAnswer:
    """The worth of a regressor of events."""
    return {
        "regressor": row.regressor,
        "coefficient": row.coefficient,
        "forecasts": row.n,
        "unit": unit,
        "mae_without": row.mae_without,
        "mae_with": row.mae_with,
        "ratio": row.mae_with / row.mae_without if row.mae_with is not None and row.mae_without else None,
        "p_value": row.p_value,
    }


def event_amount_answer(row: EventEffectRecord, *, unique_id: str, unit: str) -> EventAmountAnswer:
    """The amount that events added to the forecast of a month."""
    return {"unique_id": unique_id, "month": format_month(row.month), "value": row.value, "unit": unit}
