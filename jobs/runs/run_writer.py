"""Write forecasts, folds, scores and components of a run to the store."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlmodel import Session

from forecasting.analysis.decomposition import NAMES
from forecasting.config import COMBINATION, PROBABILITIES
from forecasting.evaluation.backtest import Backtest
from forecasting.evaluation.event_evidence import EventReport
from forecasting.evaluation.indicator_evidence import IndicatorReport
from forecasting.evaluation.period_scores import PeriodForecasts
from forecasting.evaluation.regressor_evidence import RegressorReport
from forecasting.evaluation.score_accumulator import ScoreArray, ScoreTable
from forecasting.pipeline import PanelForecast
from forecasting.types import FloatArray
from store.queries import (
    backtest_folds,
    backtests,
    decompositions,
    forecasts,
    regressors,
    run_events,
    run_indicators,
    score_arrays,
    total_effects,
)

SERIES_AT_ONCE = 100
"""How many series' folds, periods and scores are laid out as rows before they are sent."""


def write_run(
    session: Session, run_id: int, ids: dict[str, int], series_ids: np.ndarray[Any, Any], forecast: PanelForecast
) -> None:
    """Write all results of a run; `ids` maps unique_id to series number, `series_ids` are those of the forecast.

    The caller commits.
    """
    _write_forecasts(session, run_id, series_ids, forecast)
    _write_backtest(session, run_id, series_ids, forecast)
    _write_periods(session, run_id, series_ids, forecast.backtest)
    _write_components(session, run_id, series_ids, forecast)
    if forecast.total_effect is not None:
        total_effects.write(
            session, run_id, series_ids=series_ids.tolist(), months=forecast.months, values=forecast.total_effect
        )
    if forecast.indicators is not None:
        _write_indicators(session, run_id, ids, forecast.indicators)
    if forecast.events is not None:
        _write_events(session, run_id, ids, forecast.events)
    if forecast.regressors is not None:
        _write_regressors(session, run_id, ids, forecast.regressors)


def _write_forecasts(session: Session, run_id: int, series_ids: np.ndarray[Any, Any], forecast: PanelForecast) -> None:
    forecasts.write(
        session,
        run_id,
        series_ids=series_ids,
        months=forecast.months,
        mean=forecast.mean,
        median=forecast.median,
        probabilities=PROBABILITIES,
        quantiles=forecast.quantiles,
        paths=forecast.paths,
        weights={name: forecast.weights[:, row] for row, name in enumerate(forecast.names)},
    )
    statuses = zip(series_ids.tolist(), forecast.statuses, strict=True)
    forecasts.write_statuses(session, run_id, {series_id: status for series_id, status in statuses if status})


def _write_backtest(session: Session, run_id: int, series_ids: np.ndarray[Any, Any], forecast: PanelForecast) -> None:
    """The scored folds, and the run's own cutoff as a fold without actuals, in chunks of series."""
    cutoffs = np.append(forecast.backtest.cutoffs, forecast.months[0] - 1)
    for start in range(0, len(series_ids), SERIES_AT_ONCE):
        rows = slice(start, start + SERIES_AT_ONCE)
        backtest = forecast.backtest.of(rows)
        live = np.concatenate([forecast.base[rows], forecast.mean[rows, None]], axis=1)
        backtests.write(
            session,
            run_id,
            series_ids=series_ids[rows],
            forecasters=backtest.names,
            cutoffs=cutoffs,
            means=np.concatenate([backtest.means, live[:, :, None]], axis=2),
            actuals=np.concatenate([backtest.actual, np.full((len(live), 1, live.shape[2]), np.nan)], axis=1),
            quantiles=_published_quantiles(backtest, forecast.quantiles[rows]),
        )
        scores = metric_scores(backtest.score_table)
        score_arrays.write_scores(session, run_id, series_ids=series_ids[rows], scores=scores)


def metric_scores(table: ScoreTable) -> Iterator[score_arrays.MetricScores]:
    """The scores as they are stored: the levels of a metric together."""
    by_metric: dict[tuple[str, str, str], list[ScoreArray]] = {}
    for entry in table.entries:
        by_metric.setdefault((entry.forecaster, entry.kind, entry.metric[0]), []).append(entry)
    for key, entries in by_metric.items():
        entries.sort(key=lambda entry: entry.metric[1])
        padded = [entry.from_step_0() for entry in entries]
        value, n = (np.stack(parts, axis=1) for parts in zip(*padded, strict=True))
        yield score_arrays.MetricScores(*key, [entry.metric[1] for entry in entries], value, n)


def _write_periods(session: Session, run_id: int, series_ids: np.ndarray[Any, Any], backtest: Backtest) -> None:
    """Forecasts of the folds for quarters, years, and January with February."""
    by_kind: dict[str, list[PeriodForecasts]] = {}
    for track in backtest.periods:
        by_kind.setdefault(track.kind, []).append(track)
    for kind, tracks in by_kind.items():
        for start in range(0, len(series_ids), SERIES_AT_ONCE):
            rows = slice(start, start + SERIES_AT_ONCE)
            folds = [
                backtest_folds.PeriodFold(track.cutoff, track.step, track.mean, track.quantiles, track.actual)
                for track in (whole.of(rows) for whole in tracks)
            ]
            ids, spacing = series_ids[rows], tracks[0].every
            backtest_folds.write_periods(session, run_id, series_ids=ids, kind=kind, spacing=spacing, folds=folds)


def _write_components(session: Session, run_id: int, series_ids: np.ndarray[Any, Any], forecast: PanelForecast) -> None:
    """Decomposition of each series; its last month is the last forecast month."""
    start = forecast.months[-1] + 1 - forecast.components.shape[2]
    for first in range(0, len(series_ids), SERIES_AT_ONCE):
        rows = slice(first, first + SERIES_AT_ONCE)
        decompositions.write(
            session, run_id, series_ids=series_ids[rows], names=NAMES, start=start, values=forecast.components[rows]
        )


def _write_indicators(session: Session, run_id: int, ids: dict[str, int], report: IndicatorReport) -> None:
    """The indicators behind the forecasts, their worth, and their contributions."""
    tables = {"known": report.known, "evidence": report.evidence, "effects": report.effects}
    named = {name: table.rename(columns={"indicator": "indicator_id"}) for name, table in tables.items()}
    for name in ("evidence", "effects"):
        series = named[name]["unique_id"].map(ids).astype(int)
        named[name] = named[name].drop(columns="unique_id").assign(series_id=series)
    run_indicators.write(session, run_id, **named)


def _write_events(session: Session, run_id: int, ids: dict[str, int], report: EventReport) -> None:
    """The events behind the forecasts, the worth of their regressors, and their contributions."""
    series = report.effects["unique_id"].map(ids).astype(int)
    effects = report.effects.drop(columns="unique_id").assign(series_id=series)
    run_events.write(session, run_id, used=report.used, evidence=report.evidence, effects=effects)


def _write_regressors(session: Session, run_id: int, ids: dict[str, int], report: RegressorReport) -> None:
    """The worth and the effects of own regressors."""
    named = {
        name: table.drop(columns="unique_id").assign(series_id=table["unique_id"].map(ids).astype(int))
        for name, table in (("evidence", report.evidence), ("effects", report.effects))
    }
    effects = named["effects"].rename(columns={"regressor": "regressor_id"})
    regressors.write(session, run_id, evidence=named["evidence"], effects=effects)


def _published_quantiles(backtest: Backtest, live: FloatArray) -> FloatArray:
    """Quantiles of the combination at every fold and now, (series, forecasters, folds, probabilities, horizon)."""
    known = np.concatenate([backtest.quantiles[COMBINATION], live[:, None]], axis=1)
    quantiles = np.full((len(known), len(backtest.names), *known.shape[1:]), np.nan, dtype=np.float64)
    quantiles[:, backtest.names.index(COMBINATION)] = known
    return quantiles
