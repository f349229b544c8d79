"""External forecasts: ingestion from a file, and scores beside those of published runs on the same targets."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from sqlmodel import Session

from forecasting.evaluation.metrics import wis_of
from forecasting.path_quantiles import path_quantiles
from forecasting.types import FloatArray
from jobs.runs.derived_external_scoring import score_derived_forecasts
from store.queries import external_forecasts, forecasts
from store.queries.external_forecasts import AppendedForecasts, ScoringPair
from store.queries.hubverse_format import check_hubverse
from tables import read_table

log = structlog.get_logger(__name__)


def ingest_external_forecasts(
    session: Session, path: Path, *, dataset: str, today: date, limit_bytes: int
) -> AppendedForecasts:
    """Ingest a file in the hubverse layout atomically and score observed targets. The caller commits.

    Raises `tables.TableError`, UnknownDataset.
    """
    frame = check_hubverse(read_table(path, limit_bytes=limit_bytes), today=today)
    appended = external_forecasts.append(session, dataset=dataset, frame=frame)
    score_external_forecasts(session, dataset)
    return appended


def score_external_forecasts(session: Session, dataset: str) -> int:
    """Score external and published forecasts of observed targets; returns the number of external forecasts.

    Published forecasts must be scored before (`jobs.runs.scoring`). The caller commits.
    """
    due = external_forecasts.due_pairs(session, dataset)
    external_forecasts.write_scores(session, [_scored(session, pair) for pair in due])
    scored = len(due) + score_derived_forecasts(session, dataset)
    if scored:
        log.info("outside.scored", dataset=dataset, forecasts=scored)
    return scored


def _scored(session: Session, pair: ScoringPair) -> dict[str, Any]:
    """Scores of both forecasts over the external forecast's probabilities, or of its point if it has no quantile."""
    quantiles = {float(probability): value for kind, probability, value in pair.statements if kind != "mean"}
    means = [value for kind, _, value in pair.statements if kind == "mean"]
    point = quantiles.get(0.5, means[0] if means else None)
    # A point forecast is scored as a median: its score is its absolute error.
    theirs = quantiles or {0.5: point}
    probabilities = sorted(theirs)
    (draws,) = forecasts.paths(session, pair.run_id, [pair.series_id])
    total = draws[:, pair.step - pair.months : pair.step].sum(axis=1, dtype=np.float64)
    ours = path_quantiles(total[:, None], probabilities)[:, 0]
    external = np.array([theirs[probability] for probability in probabilities], dtype=np.float64)

    def wis(actual: float | None, values: FloatArray) -> float | None:
        return None if actual is None else float(wis_of(np.array(actual), values, probabilities))

    fields = pair._asdict()
    del fields["statements"]
    return fields | {
        "measure": "level",
        "backtest": False,
        "point": point,
        "quantiles": len(quantiles),
        "first_wis": wis(pair.first_value, external),
        "our_first_wis": wis(pair.first_value, ours),
        "latest_wis": wis(pair.latest_value, external),
        "our_latest_wis": wis(pair.latest_value, ours),
    }
