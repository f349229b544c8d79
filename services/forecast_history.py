"""Lines of a series in some units and frequency: what was observed, what is expected, what else was said."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from math import isfinite
from typing import Any, Literal

import numpy as np

from forecasting.analysis.period_draws import Outlook, Units, draw
from forecasting.analysis.spans import YEAR, Frequency, spans_ahead
from forecasting.config import COMBINATION
from forecasting.data.history import FloatArray
from services.period_summary import rows_ahead
from services.published_run import Desk, earlier_runs, iso_day, month_of
from services.series_catalog import Chosen
from store.queries import backtests, forecasts

Row = dict[str, Any]
EARLIER_RUNS, EARLIER_FOLDS, MONTHS_BETWEEN = 6, 6, 6


def observed_rows(outlook: Outlook, units: Units, frequency: Frequency, whole: Outlook | None) -> list[Row]:
    """A row for each period that is observed in full: period, month, value."""
    past = len(outlook.observed)
    spans = spans_ahead(outlook.start - 1, past, frequency)
    known, of = _without_future(outlook), None if whole is None else _without_future(whole)
    values = draw(units, known, spans, of).values[0].tolist()
    return [
        {"period": span.label, "month": iso_day(span.last), "value": value}
        for span, value in zip(spans, values, strict=True)
        if isfinite(value)
    ]


def expected_rows(
    outlook: Outlook,
    units: Units,
    frequency: Frequency,
    levels: Sequence[float],
    whole: Outlook | None,
) -> list[Row]:
    """A row a period ahead: period, month, median, and lo_L and hi_L of each level."""
    last = outlook.start + len(outlook.observed) - 1
    rows = rows_ahead(outlook, spans_ahead(last, outlook.paths.shape[1], frequency), units, levels, whole)
    for row in rows:
        row["month"] = iso_day(row.pop("last"))
    return rows


def earlier_rows(
    desk: Desk, one: Chosen, outlook: Outlook, units: Units, frequency: Frequency
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
        assert run.cutoff is not None
        said[run.cutoff] = _run_means(desk, one, run.id, run.horizon)
    return _lines(outlook, said.items(), units, frequency), " and ".join(by)


def said_rows(
    desk: Desk, one: Chosen, of: Literal["forecasters", "earlier"], units: Units, frequency: Frequency
) -> list[Row]:
    """What each forecaster says, or what was expected before: forecaster, made (the cutoff), period, month, value."""
    (outlook,) = desk.outlooks([one])
    if of == "forecasters":
        return forecaster_rows(desk, one, outlook, units, frequency)
    rows, _ = earlier_rows(desk, one, outlook, units, frequency)
    return [{**row, "forecaster": COMBINATION} for row in rows]


def forecaster_rows(desk: Desk, one: Chosen, outlook: Outlook, units: Units, frequency: Frequency) -> list[Row]:
    """What each forecaster in the combination expects: forecaster, period, month, value."""
    ids = [part.series_id for part in one.parts]
    means: dict[str, dict[int, list[float]]] = defaultdict(dict)
    for found in backtests.said(desk.session, desk.run.id, ids, cutoff=desk.cutoff):
        means[found.forecaster][found.series_id] = found.means
    rows = []
    for name, parts in means.items():
        if name != COMBINATION and len(parts) == len(ids):
            lines = _lines(outlook, [(desk.cutoff, _signed(one, parts))], units, frequency)
            rows += [{**row, "forecaster": name} for row in lines]
    return rows


def _run_means(desk: Desk, one: Chosen, run_id: int, horizon: int) -> FloatArray:
    ids = [part.series_id for part in one.parts]
    means: dict[int, list[float]] = defaultdict(list)
    for row in forecasts.months(desk.session, run_id, ids, horizon=horizon, probabilities=[0.5]):
        means[row.series_id].append(row.mean)
    return _signed(one, means)


def _signed(one: Chosen, means: dict[int, list[float]]) -> FloatArray:
    total: FloatArray = np.sum([part.sign * np.asarray(means[part.series_id]) for part in one.parts], axis=0)
    return total


def _lines(outlook: Outlook, said: Iterable[tuple[date, FloatArray]], units: Units, frequency: Frequency) -> list[Row]:
    """Each set of means as a line of its own, on what was observed up to its cutoff."""
    rows = []
    for cutoff, means in said:
        last = month_of(cutoff)
        seen = slice(0, last - outlook.start + 1)
        then = replace(outlook, observed=outlook.observed[seen], joined=outlook.joined[seen], paths=means[None])
        spans = spans_ahead(last, len(means), frequency)
        for span, value in zip(spans, draw(units, then, spans).values[0].tolist(), strict=True):
            if isfinite(value):
                made = f"{cutoff:%Y-%m}"
                rows.append({"made": made, "period": span.label, "month": iso_day(span.last), "value": value})
    return rows


def _shown(months_ago: int) -> bool:
    return months_ago > 0 and months_ago % MONTHS_BETWEEN == 0


def _without_future(outlook: Outlook) -> Outlook:
    return replace(outlook, paths=np.empty((1, 0)))


def history_start(frequency: Frequency, last: int, years: int | None) -> str:
    """The first month shown, as an ISO day."""
    return iso_day(last - YEAR * years + 1) if years else "0000-00-00"
