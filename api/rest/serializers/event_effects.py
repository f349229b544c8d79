"""Effects of events as answers."""

from typing import Any

from api.rest.schemas.event_effects import EffectAnswer
from api.rest.serializers.events import event_answer
from forecasting.data.months import month_text
from services.events.event_effects import EffectRow, EffectsAnswer
from services.series.series_catalog import SeriesCatalog


def effects_context(found: EffectsAnswer) -> dict[str, Any]:
    """The event, its counterfactual, and the events that overlap it."""
    source = found.counterfactual.source
    return {
        "event": event_answer(found.event),
        "flow": found.flow,
        "sector": found.sector,
        "counterfactual": {
            "source": source,
            "run": found.counterfactual.run_id,
            "cutoff": month_text(found.counterfactual.cutoff),
            "bounds": "draws" if source == "run" else "added",
        },
        "others": [event.id for event in found.others],
    }


def effect_answer(row: EffectRow, catalog: SeriesCatalog, level: float) -> EffectAnswer:
    """The effect on one series."""
    lo, hi = row.bounds
    return {
        "unique_id": row.series.unique_id,
        "partner": row.series.partner,
        "partner_name": catalog.partners[row.series.partner],
        "relation": row.relation,
        "first_month": month_text(row.first),
        "last_month": month_text(row.last),
        "unit": catalog.unit,
        "actual": row.actual,
        "expected": row.expected.mean,
        "effect": row.effect,
        "level": level,
        "lo": lo,
        "hi": hi,
        "effect_pch": row.per_cent(row.effect),
        "lo_pch": row.per_cent(lo),
        "hi_pch": row.per_cent(hi),
    }
