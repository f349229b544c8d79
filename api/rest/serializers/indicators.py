"""Indicators of a run as JSON objects."""

from collections.abc import Iterable
from typing import Any

from api.rest.serializers.forecasts import month_text
from store.queries.run_indicators import EffectRecord, EvidenceRecord, UsedIndicator

EVIDENCE_COLUMNS = (
    "unique_id",
    "indicator",
    "unit",
    "folds",
    "mae_without",
    "mae_with",
    "ratio",
    "p_value",
    "weight",
)


def used_indicators_answer(used: Iterable[UsedIndicator]) -> dict[str, Any]:
    """The member `indicators` of an answer; nothing without any."""
    rows = [used_indicator(one) for one in used]
    return {"indicators": rows} if rows else {}


def used_indicator(one: UsedIndicator) -> dict[str, Any]:
    """An indicator as a run knew it."""
    return {
        "indicator": one.indicator_id,
        "title": one.title,
        "known_to": month_text(one.known_to),
        "known_on": one.known_on,
        "months_ahead": one.leads,
    }


def evidence_answer(row: EvidenceRecord, *, dataset: str, unit: str) -> dict[str, Any]:
    """The worth of an indicator for a series, in the order of EVIDENCE_COLUMNS."""
    ratio = row.mae_with / row.mae_without if row.mae_with is not None and row.mae_without else None
    cells = (
        f"{dataset}.{row.flow}.{row.partner}.{row.sector}",
        row.indicator_id,
        unit,
        row.n,
        row.mae_without,
        row.mae_with,
        ratio,
        row.p_value,
        row.weight,
    )
    return dict(zip(EVIDENCE_COLUMNS, cells, strict=True))


def effect_answer(row: EffectRecord, *, unique_id: str, unit: str) -> dict[str, Any]:
    """What an indicator added to the forecast of a month."""
    return {
        "unique_id": unique_id,
        "indicator": row.indicator_id,
        "month": month_text(row.month),
        "value": row.value,
        "unit": unit,
    }
