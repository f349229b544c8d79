"""Lines of a series in some units and frequency: what was observed, what is expected, what else was said."""

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
from services.period_summary import rows_ahead
from services.published_run import PublishedRun, earlier_runs, iso_day, month_of
from store.models import ResolvedSeries
from store.queries import backtests, forecasts

Row = dict[str, Any]
EARLIER_RUNS, EARLIER_FOLDS, MONTHS_BETWEEN = 6, 6, 6


def observed_rows(
    series_paths: SeriesPaths, units: Units, frequency: Frequency, whole: SeriesPaths | None
) -> list[Row]:
    """A row for each period that is observed in full: period, month, value."""
    past = len(series_paths.observed)
    spans = periods_ahead(series_paths.start - 1, past, frequency)
    known, of = _without_future(series_paths), None if whole is None else _without_future(whole)
    values = period_draws(units, known, spans, of).values[0].tolist()
    return [
        {"period": span.label, "month": iso_day(span.last), "value": value}
        for span, value in zip(spans, values, strict=True)
        if isfinite(value)
    ]


def expected_rows(
    series_paths: SeriesPaths,
    units: Units,
    frequency: Frequency,
    levels: Sequence[float],
    whole: SeriesPaths | None,
) -> list[Row]:
    """A row a period ahead: period, month, median, and lo_L and hi_L of each level."""
    last = series_paths.start + len(series_paths.observed) - 1
    rows = rows_ahead(series_paths, periods_ahead(last, series_paths.paths.shape[1], frequency), units, levels, whole)
    for row in rows:
        row["month"] = iso_day(row.pop("last"))
    return rows


def earlier_rows(
    desk: PublishedRun, one: ResolvedSeries, series_paths: SeriesPaths, units: Units, frequency: Frequency
) -> tuple[list[Row], str]:
    """What was expected before, and by whom: runs that saw less, and the combination at folds of the backtest."""
    ids = [part.series_id for part in one.parts]
    folds: dict[date, dict[int, list[float]]] = defaultdict(dict)
    for found in backtests.said(desk.session, desk.run.id, ids, forecaster=COMBINATION):
        folds[found.cutoff][found.series_id] = found.means
    kept = [day for day in folds if _shown(desk.last - month_of(day)) and len(folds[day]) == len(ids)]
    said = {day: _signed(one, folds[day]) for day in kept[-EARLIER_FOLDS:]}
    past = earlier_runs(desk.session, desk.run, limit=EARLIER_RUNS)
    by = [*(["earlier runs"] if past else []), *(["the backtest at every sixth month"] if said else [])]
    for run in past:
        said[run.cutoff] = _run_means(desk, one, run.id, run.horizon)
    return _lines(series_paths, said.items(), units, frequency), " and ".join(by)


def said_rows(
    desk: PublishedRun, one: ResolvedSeries, of: Literal["forecasters", "earlier"], units: Units, frequency: Frequency
) -> list[Row]:
    """What each forecaster says, or what was expected before: forecaster, made (the cutoff), period, month, value."""
    (series_paths,) = desk.read_paths([one])
    if of == "forecasters":
        return forecaster_rows(desk, one, series_paths, units, frequency)
    rows, _ = earlier_rows(desk, one, series_paths, units, frequency)
    return [{**row, "forecaster": COMBINATION} for row in rows]


def forecaster_rows(
    desk: PublishedRun, one: ResolvedSeries, series_paths: SeriesPaths, units: Units, frequency: Frequency
) -> list[Row]:
    """What each forecaster in the combination expects: forecaster, period, month, value."""
    ids = [part.series_id for part in one.parts]
    means: dict[str, dict[int, list[float]]] = defaultdict(dict)
    for found in backtests.said(desk.session, desk.run.id, ids, cutoff=desk.cutoff):
        means[found.forecaster][found.series_id] = found.means
    rows = []
    for name, parts in means.items():
        if name != COMBINATION and len(parts) == len(ids):
            lines = _lines(series_paths, [(desk.cutoff, _signed(one, parts))], units, frequency)
            rows += [{**row, "forecaster": name} for row in lines]
    return rows


def _run_means(desk: PublishedRun, one: ResolvedSeries, run_id: int, horizon: int) -> FloatArray:
    ids = [part.series_id for part in one.parts]
    means: dict[int, list[float]] = defaultdict(list)
    for row in forecasts.months(desk.session, run_id, ids, horizon=horizon, probabilities=[0.5]):
        means[row.series_id].append(row.mean)
    return _signed(one, means)


def _signed(one: ResolvedSeries, means: dict[int, list[float]]) -> FloatArray:
    total: FloatArray = np.sum([part.sign * np.asarray(means[part.series_id]) for part in one.parts], axis=0)
    return total


def _lines(
    series_paths: SeriesPaths, said: Iterable[tuple[date, FloatArray]], units: Units, frequency: Frequency
) -> list[Row]:
    """Each set of means as a line of its own, on what was observed up to its cutoff."""
    rows = []
    for cutoff, means in said:
        last = month_of(cutoff)
        seen = slice(0, last - series_paths.start + 1)
        earlier_paths = replace(
            series_paths, observed=series_paths.observed[seen], joined=series_paths.joined[seen], paths=means[None]
        )
        spans = periods_ahead(last, len(means), frequency)
        for span, value in zip(spans, period_draws(units, earlier_paths, spans).values[0].tolist(), strict=True):
            if isfinite(value):
                made = f"{cutoff:%Y-%m}"
                rows.append({"made": made, "period": span.label, "month": iso_day(span.last), "value": value})
    return rows


def _shown(months_ago: int) -> bool:
    return months_ago > 0 and months_ago % MONTHS_BETWEEN == 0


def _without_future(series_paths: SeriesPaths) -> SeriesPaths:
    return replace(series_paths, paths=np.empty((1, 0)))


def history_start(frequency: Frequency, last: int, years: int | None) -> str:
    """The first month shown, as an ISO day."""
    return iso_day(last - MONTHS_PER_YEAR * years + 1) if years else "0000-00-00"
