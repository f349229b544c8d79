"""Observations and forecasts of one series by period: the published run, each forecaster, and earlier forecasts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from math import isfinite
from typing import Any, Literal

import numpy as np

from forecasting.analysis.period_draws import SeriesPaths, Units, period_draws
from forecasting.analysis.periods import Frequency, periods_ahead
from forecasting.config import COMBINATION
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray
from services.forecasts.period_summary import period_rows
from services.runs.published_run import PublishedRun, earlier_runs, iso_day, month_of
from store.models import ResolvedSeries
from store.queries import backtests, forecasts, releases

Row = dict[str, Any]
EARLIER_RUNS, EARLIER_FOLDS, MONTHS_BETWEEN = 6, 6, 6


def observed_rows(
    series_paths: SeriesPaths, units: Units, frequency: Frequency, whole: SeriesPaths | None
) -> list[Row]:
    """One row for each fully observed period: period, month, value."""
    past = len(series_paths.observed)
    spans = periods_ahead(series_paths.start - 1, past, frequency)
    known, whole_known = _without_future(series_paths), None if whole is None else _without_future(whole)
    values = period_draws(units, known, spans, whole_known).values[0].tolist()
    return [
        {"period": span.label, "month": iso_day(span.last), "value": value}
        for span, value in zip(spans, values, strict=True)
        if isfinite(value)
    ]


def forecast_rows(
    series_paths: SeriesPaths,
    units: Units,
    frequency: Frequency,
    levels: Sequence[float],
    whole: SeriesPaths | None,
) -> list[Row]:
    """One row for each period ahead: period, month, median, and lo_L and hi_L of each level L."""
    last = series_paths.start + len(series_paths.observed) - 1
    rows = period_rows(series_paths, periods_ahead(last, series_paths.paths.shape[1], frequency), units, levels, whole)
    for row in rows:
        row["month"] = iso_day(row.pop("last"))
    return rows


def earlier_rows(
    published: PublishedRun, series: ResolvedSeries, series_paths: SeriesPaths, units: Units, frequency: Frequency
) -> tuple[list[Row], str]:
    """Earlier forecasts and their origin: runs with an earlier cutoff, and the combination at folds of the backtest."""
    ids = [part.series_id for part in series.parts]
    folds: dict[date, dict[int, list[float]]] = defaultdict(dict)
    for fold in backtests.fold_means(published.session, published.run.id, ids, forecaster=COMBINATION):
        folds[fold.cutoff][fold.series_id] = fold.means
    combined = set(published.session.scalars(releases.combined_januaries(published.run.id)))
    complete = (day for day in folds if len(folds[day]) == len(ids) and day not in combined)
    shown = [day for day in complete if _is_shown(published.last - month_of(day))]
    means = {day: _signed_sum(series, folds[day]) for day in shown[-EARLIER_FOLDS:]}
    past = earlier_runs(published.session, published.run, limit=EARLIER_RUNS)
    origins = [*(["earlier runs"] if past else []), *(["the backtest at every sixth month"] if means else [])]
    for run in past:
        means[run.cutoff] = _run_means(published, series, run.id, run.horizon)
    return _rows_by_cutoff(series_paths, means.items(), units, frequency), " and ".join(origins)


def history_rows(
    published: PublishedRun,
    series: ResolvedSeries,
    of: Literal["forecasters", "earlier"],
    units: Units,
    frequency: Frequency,
) -> list[Row]:
    """Forecasts of each forecaster, or earlier forecasts: forecaster, made (the cutoff), period, month, value."""
    (series_paths,) = published.read_paths([series])
    if of == "forecasters":
        return forecaster_rows(published, series, series_paths, units, frequency)
    rows, _ = earlier_rows(published, series, series_paths, units, frequency)
    return [{**row, "forecaster": COMBINATION} for row in rows]


def forecaster_rows(
    published: PublishedRun, series: ResolvedSeries, series_paths: SeriesPaths, units: Units, frequency: Frequency
) -> list[Row]:
    """Forecasts of each forecaster in the combination: forecaster, period, month, value."""
    ids = [part.series_id for part in series.parts]
    means: dict[str, dict[int, list[float]]] = defaultdict(dict)
    for forecast in backtests.fold_means(published.session, published.run.id, ids, cutoff=published.cutoff):
        means[forecast.forecaster][forecast.series_id] = forecast.means
    rows = []
    for name, parts in means.items():
        if name != COMBINATION and len(parts) == len(ids):
            by_cutoff = [(published.cutoff, _signed_sum(series, parts))]
            rows += [{**row, "forecaster": name} for row in _rows_by_cutoff(series_paths, by_cutoff, units, frequency)]
    return rows


def _run_means(published: PublishedRun, series: ResolvedSeries, run_id: int, horizon: int) -> FloatArray:
    ids = [part.series_id for part in series.parts]
    means: dict[int, list[float]] = defaultdict(list)
    for row in forecasts.months(published.session, run_id, ids, horizon=horizon, probabilities=[0.5]):
        means[row.series_id].append(row.mean)
    return _signed_sum(series, means)


def _signed_sum(series: ResolvedSeries, means: dict[int, list[float]]) -> FloatArray:
    total: FloatArray = np.sum([part.sign * np.asarray(means[part.series_id]) for part in series.parts], axis=0)
    return total


def _rows_by_cutoff(
    series_paths: SeriesPaths, means_by_cutoff: Iterable[tuple[date, FloatArray]], units: Units, frequency: Frequency
) -> list[Row]:
    """Forecasts of each cutoff by period, with the observations up to that cutoff."""
    rows = []
    for cutoff, means in means_by_cutoff:
        last = month_of(cutoff)
        seen = slice(0, last - series_paths.start + 1)
        at_cutoff = replace(
            series_paths, observed=series_paths.observed[seen], joined=series_paths.joined[seen], paths=means[None]
        )
        spans = periods_ahead(last, len(means), frequency)
        for span, value in zip(spans, period_draws(units, at_cutoff, spans).values[0].tolist(), strict=True):
            if isfinite(value):
                made = f"{cutoff:%Y-%m}"
                rows.append({"made": made, "period": span.label, "month": iso_day(span.last), "value": value})
    return rows


def _is_shown(months_ago: int) -> bool:
    return months_ago > 0 and months_ago % MONTHS_BETWEEN == 0


def _without_future(series_paths: SeriesPaths) -> SeriesPaths:
    return replace(series_paths, paths=np.empty((1, 0)))


def history_start(frequency: Frequency, last: int, years: int | None) -> str:
    """The first month shown, as an ISO day."""
    return iso_day(last - MONTHS_PER_YEAR * years + 1) if years else "0000-00-00"
