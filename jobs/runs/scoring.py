"""Tracking: scores of published forecasts against observations, and the response to drift."""

from collections.abc import Sequence

import numpy as np
import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from forecasting.config import COMBINATION, LEVELS, PROBABILITIES, ForecastConfig, interval_probabilities
from forecasting.evaluation.metrics import inside, weighted_interval_score
from forecasting.path_quantiles import path_quantiles
from forecasting.types import FloatArray
from jobs.runs.external_scoring import score_external_forecasts
from store.queries import catalog, forecast_scores, forecasts, observations
from store.queries.forecast_scores import DueForecast

log = structlog.get_logger(__name__)

DRIFTING_SHARE = 0.1
"""A selection is fresh when more than this share of the series drift: weights are the panel's, not a series' own."""


def score_published(session: Session, dataset: str) -> int:
    """Score the published forecasts of every newly observed or revised month; returns their number.

    External forecasts are scored as well. The caller commits. Raises UnknownDataset.
    """
    catalog.dataset(session, dataset)
    scored = 0
    for run_id in forecast_scores.runs_to_score(session, dataset):
        due = forecast_scores.due_forecasts(session, run_id, forecaster=COMBINATION, probabilities=PROBABILITIES)
        if due:
            forecast_scores.write(session, _scored(due, _quantiles(session, run_id, due)))
            scored += len(due)
    if scored:
        log.info("tracking.scored", dataset=dataset, forecasts=scored)
    score_external_forecasts(session, dataset)
    return scored


def config_for_next_run(engine: Engine, dataset: str, config: ForecastConfig) -> ForecastConfig:
    """Configuration of the next run: the given one, or a fresh selection while the dataset drifts.

    New observations are scored first. Raises UnknownDataset.
    """
    with Session(engine) as session:
        score_published(session, dataset)
        session.commit()
        records = forecast_scores.series_records(session, list(observations.series_ids(session, dataset).values()))
    drifting = sum(record.drifts for record in records)
    if drifting <= DRIFTING_SHARE * len(records):
        return config
    log.warning("tracking.drift", dataset=dataset, drifting=drifting, series=len(records))
    return config.fresh


def _quantiles(session: Session, run_id: int, due: Sequence[DueForecast]) -> FloatArray:
    """Published quantiles of each forecast, shape (forecasts, probabilities); those of sums come from joint paths."""
    summed = sorted({forecast.series_id for forecast in due if forecast.months > 1})
    paths = dict(zip(summed, forecasts.paths(session, run_id, summed), strict=True)) if summed else {}
    rows = []
    for forecast in due:
        if forecast.quantiles is not None:
            rows.append(np.array(forecast.quantiles))
        else:
            draws = paths[forecast.series_id][:, forecast.step - forecast.months : forecast.step].sum(
                axis=1, dtype=np.float64
            )
            rows.append(path_quantiles(draws[:, None], PROBABILITIES)[:, 0])
    return np.stack(rows)


def _scored(due: Sequence[DueForecast], quantiles: FloatArray) -> list[dict[str, object]]:
    first, latest = (
        np.array([getattr(forecast, name) for forecast in due]) for name in ("first_value", "latest_value")
    )
    measured = {
        "median": quantiles[:, PROBABILITIES.index(0.5)],
        "first_level": narrowest_level(first, quantiles),
        "latest_level": narrowest_level(latest, quantiles),
        "first_wis": weighted_interval_score(first, quantiles),
        "latest_wis": weighted_interval_score(latest, quantiles),
    }
    rows = []
    for place, forecast in enumerate(due):
        row = forecast._asdict()
        del row["quantiles"]
        found = {name: float(values[place]) for name, values in measured.items()}
        rows.append(row | {name: None if np.isnan(value) else value for name, value in found.items()})
    return rows


def narrowest_level(actual: FloatArray, quantiles: FloatArray) -> FloatArray:
    """The narrowest of LEVELS whose interval contains each actual; NaN where none does.

    `actual` has shape (n,), `quantiles` (n, probabilities) in the order of PROBABILITIES.
    """
    level = np.full(actual.shape, np.nan)
    for wider in sorted(LEVELS, reverse=True):
        lo, hi = (quantiles[:, PROBABILITIES.index(bound)] for bound in interval_probabilities(wider))
        level[inside(actual, lo, hi) == 1] = wider
    return level
