"""Adjustments as answers."""

from typing import TYPE_CHECKING

from api.rest.schemas.adjustments import AdjustmentAnswer, AuthorAnswer, TrackedAdjustmentAnswer
from forecasting.analysis.period_draws import answer_unit
from forecasting.data.months import format_month
from store.queries.adjustments import AdjustmentRecord

if TYPE_CHECKING:
    from services.scenarios.adjustments import AuthorRecord, TrackedAdjustment


def adjustment_answer(record: AdjustmentRecord) -> AdjustmentAnswer:
    """An adjustment as it was stated."""
    return {
        "id": record.id,
        "dataset": record.dataset_id,
        "run": record.run_id,
        "author": record.author,
        "why": record.reason,
        "created_at": record.created_at,
        "expires": record.expires,
        "withdrawn_at": record.withdrawn_at,
        "ends": format_month(record.ends),
        "statement": dict(record.statement),
    }


def tracked_answer(tracked: "TrackedAdjustment", unit: str) -> TrackedAdjustmentAnswer:
    """An adjustment beside the statistical forecast and the outcome."""
    before, after = tracked.medians
    errors = tracked.errors
    return {
        **adjustment_answer(tracked.record),
        "units": tracked.condition.units,
        "unit": answer_unit(tracked.condition.units, unit),
        "statistical_median": before,
        "judgement_median": after,
        "actual": tracked.actual,
        "statistical_error": None if errors is None else errors[0],
        "judgement_error": None if errors is None else errors[1],
        "statistical_wis": tracked.statistical_wis,
        "judgement_wis": tracked.judgement_wis,
    }


def author_answer(record: "AuthorRecord", unit: str) -> AuthorAnswer:
    """Forecast value added by an author."""
    return {
        "author": record.author,
        "units": record.units,
        "unit": unit,
        "n": record.n,
        "statistical_mae": record.statistical_mae,
        "judgement_mae": record.judgement_mae,
        "value_added": record.value_added,
        "share_better": record.better,
        "statistical_wis": record.statistical_wis,
        "judgement_wis": record.judgement_wis,
    }
