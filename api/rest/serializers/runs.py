"""Runs and the changes between them as answers."""

from api.rest.schemas.runs import ChangeAnswer, FreshnessAnswer, RunAnswer
from forecasting.data.months import format_month
from services.runs.freshness import Freshness
from store.queries.run_changes import ChangeRecord
from store.queries.runs import RunRecord


def run_answer(run: RunRecord) -> RunAnswer:
    """A run. Its vintage cutoffs are part of the answers about backtests."""
    return {
        "id": run.id,
        "dataset": run.dataset_id,
        "status": run.status,
        "as_of": run.as_of,
        "cutoff": format_month(run.cutoff),
        "horizon": run.horizon,
        "seed": run.seed,
        "config": run.config,
        "config_hash": run.config_hash,
        "data_hash": run.data_hash,
        "code_version": run.code_version,
        "requested_at": run.requested_at,
        "started_at": run.started_at,
        "published_at": run.finished_at if run.status == "published" else None,
        "finished_at": run.finished_at,
        "preliminary": run.preliminary,
        "thinned_at": run.thinned_at,
        "stage": run.stage,
        "done": run.done,
        "total": run.total,
        "failures": run.failures,
    }


def freshness_answer(freshness: Freshness) -> FreshnessAnswer:
    """The freshness of the data of an answer."""
    overdue = freshness.overdue
    return {
        "data_end": f"{freshness.data_end:%Y-%m}",
        "overdue": None if overdue is None else [f"{month:%Y-%m}" for month in overdue],
    }


def change_answer(row: ChangeRecord, unique_id: str, unit: str) -> ChangeAnswer:
    """The change of a month's mean and its causes."""
    return {
        "unique_id": unique_id,
        "month": format_month(row.month),
        "step": row.step,
        "unit": unit,
        "before": row.before,
        "after": row.after,
        "change": row.after - row.before,
        "new_observations": row.new_figures,
        "revised_observations": row.revised_figures,
        "indicators": row.indicators,
        "published_total": row.published_total,
        "reestimation": row.reestimation,
    }
