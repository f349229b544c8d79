"""Indicators of a run as answers."""

from collections.abc import Sequence

from api.rest.schemas.indicators import (
    IndicatorEffectAnswer,
    IndicatorEvidenceAnswer,
    RestsOnIndicators,
    UsedIndicatorAnswer,
)
from forecasting.data.months import format_month
from store.queries.run_indicators import EffectRecord, EvidenceRecord, UsedIndicator


def used_indicator(record: UsedIndicator) -> UsedIndicatorAnswer:
    """An indicator as a run knew it."""
    return {
        "indicator": record.indicator_id,
        "title": record.title,
        "known_to": format_month(record.known_to),
        "known_on": record.known_on,
        "months_ahead": record.leads,
    }


def indicators_answer(used: Sequence[UsedIndicator]) -> RestsOnIndicators:
    """The indicators that an answer rests on; no member without any."""
    return {"indicators": [used_indicator(record) for record in used]} if used else {}


def evidence_answer(row: EvidenceRecord, *, dataset: str, unit: str) -> IndicatorEvidenceAnswer:
    """The worth of an indicator for a series."""
    return {
        "unique_id": f"{dataset}.{row.flow}.{row.partner}.{row.sector}",
        "indicator": row.indicator_id,
        "unit": unit,
        "folds": row.n,
        "mae_without": row.mae_without,
        "mae_with": row.mae_with,
        "ratio": row.mae_with / row.mae_without if row.mae_with is not None and row.mae_without else None,
        "p_value": row.p_value,
        "weight": row.weight,
    }


def effect_answer(row: EffectRecord, *, unique_id: str, unit: str) -> IndicatorEffectAnswer:
    """The amount that an indicator added to the forecast of a month."""
    return {
        "unique_id": unique_id,
        "indicator": row.indicator_id,
        "month": format_month(row.month),
        "value": row.value,
        "unit": unit,
    }
