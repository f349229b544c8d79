"""Forecasts from outside: brought in from a file, and scored beside ours on the same targets."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from sqlmodel import Session

from forecasting.evaluation.metrics import wis_of
from forecasting.types import FloatArray
from forecasting.uncertainty.simulation import path_quantiles
from store.queries import external_forecasts, forecasts
from store.queries.external_forecasts import AppendedForecasts, ScoringPair
from store.queries.hubverse_format import check_hubverse
from tables import read_table

log = structlog.get_logger(__name__)


def ingest_external_forecasts(
    session: Session, path: Path, *, dataset: str, today: date, limit_bytes: int
) -> AppendedForecasts:
    """Bring in a file in the hubverse layout, all of it or nothing, and score what has come. The caller commits.

    Raises `tabular.TableError`, UnknownDataset.
    """
    frame = check_hubverse(read_table(path, limit_bytes=limit_bytes), today=today)
    appended = external_forecasts.append(session, dataset=dataset, frame=frame)
    score_external_forecasts(session, dataset)
    return appended


def score_external_forecasts(session: Session, dataset: str) -> int:
    """Score forecasts from outside, and ours beside them, on targets that have come; gives how many.

    Ours must be tracked before (`jobs.tracking.track`). The caller commits.
    """
    due = external_forecasts.due_pairs(session, dataset)
    external_forecasts.write_scores(session, [_scored(session, one) for one in due])
    if due:
        log.info("outside.scored", dataset=dataset, forecasts=len(due))
    return len(due)


def _scored(session: Session, one: ScoringPair) -> dict[str, Any]:
    """Both forecasts scored on the probabilities that theirs names; one without a quantile, on its point."""
    quantiles = {float(probability): value for kind, probability, value in one.statements if kind != "mean"}
    means = [value for kind, _, value in one.statements if kind == "mean"]
    point = quantiles.get(0.5, means[0] if means else None)
    # A point is the median of a forecast that has nothing else: its score is its absolute error.
    theirs = quantiles or {0.5: point}
    probabilities = sorted(theirs)
    (draws,) = forecasts.paths(session, one.run_id, [one.series_id])
    total = draws[:, one.step - one.months : one.step].sum(axis=1, dtype=np.float64)
    ours = path_quantiles(total[:, None], probabilities)[:, 0]
    said = np.array([theirs[probability] for probability in probabilities], dtype=np.float64)

    def wis(actual: float, values: FloatArray) -> float:
        return float(wis_of(np.array(actual), values, probabilities))

    fields = one._asdict()
    del fields["statements"]
    return fields | {
        "point": point,
        "quantiles": len(quantiles),
        "first_wis": wis(one.first_value, said),
        "our_first_wis": wis(one.first_value, ours),
        "latest_wis": wis(one.latest_value, said),
        "our_latest_wis": wis(one.latest_value, ours),
    }
