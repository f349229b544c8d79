"""How the forecast of one month moved from run to run as observations and indicators arrived."""

from datetime import date
from math import isnan
from typing import Any, NamedTuple

from forecasting.data.months import MONTHS_PER_YEAR, first_day
from services.runs.published_run import PublishedRun, month_of
from store.models import ResolvedSeries
from store.queries import external_forecasts, first_prints, forecasts, run_indicators, runs
from store.queries.run_inputs import recent
from store.queries.runs import PublishedRunRecord

Row = dict[str, Any]
LEVEL = 80
BOUNDS = (0.1, 0.9)
EARLIEST = 3
"""Steps ahead from which a forecast is shown."""
RUNS = 60


class Poll(NamedTuple):
    """An external forecast of the month: its model, the day it was made on, and its value in the dataset's unit."""

    model: str
    day: date
    value: float


class NowcastHistory(NamedTuple):
    """Forecasts of one month, oldest first, and its observed value, None while it is not published.

    Each row has as_of, run, mean, median, lo_80, hi_80 (in the dataset's unit), step and arrived: the codes of the
    indicators that gained a month since the row before. `polls` are external forecasts of the month and `first_print`
    its first print, known on the day of the run; growth rates are brought to levels by the value a year earlier.
    """

    month: date
    rows: list[Row]
    outcome: float | None
    polls: list[Poll]
    first_print: float | None


def nowcast_history(published: PublishedRun, series: ResolvedSeries) -> NowcastHistory | None:
    """The forecasts of the month after the run's cutoff or, while it has moved once only, of the last observed month.

    None for a balance or a group, and where fewer than two runs forecast either month one step ahead. Later runs than
    the published one are left out, so that its page never changes.
    """
    if series.derived:
        return None
    (part,) = series.parts
    for month in (published.last + 1, published.last):
        rows = _rows(published, part.series_id, month)
        if sum(row["step"] == 1 for row in rows) > 1:
            outcome = _seen(published, part.series_id, month) if month == published.last else None
            polls = _polls(published, part.series_id, month)
            return NowcastHistory(
                first_day(month), rows, outcome, polls, _first_print(published, part.series_id, month)
            )
    return None


def _seen(published: PublishedRun, series_id: int, month: int) -> float:
    """A month's value as the run knew it; NaN where it knew none."""
    day = first_day(month)
    values = recent(published.session, published.run.id, [series_id], first=day, last=day).values
    return float(values[0, 0])


def _level(published: PublishedRun, series_id: int, month: int, measure: str, value: float) -> float | None:
    """A value, or the level that growth on the value a year earlier gives; None where that is not known."""
    level = value if measure == "level" else _seen(published, series_id, month - MONTHS_PER_YEAR) * (1 + value / 100)
    return None if isnan(level) else level


def _polls(published: PublishedRun, series_id: int, month: int) -> list[Poll]:
    """External point forecasts of a month made by the day of the run, the last of each model."""
    day = first_day(month)
    page = external_forecasts.points(published.session, series_id, day, made_by=published.run.as_of)
    found = {}
    for point in page:
        level = _level(published, series_id, month, point.measure, point.value)
        if level is not None:
            found[point.model_id] = Poll(point.model_id, point.reference_date, level)
    return list(found.values())


def _first_print(published: PublishedRun, series_id: int, month: int) -> float | None:
    """The first print of a month, if it was published by the day of the run."""
    for measure in ("level", "pc1"):
        record = first_prints.find(published.session, series_id, first_day(month), 1, measure)
        if record is not None and record.released <= published.run.as_of:
            return _level(published, series_id, month, measure, record.value)
    return None


def _rows(published: PublishedRun, series_id: int, month: int) -> list[Row]:
    rows: list[Row] = []
    known: dict[str, date] = {}
    for run in _runs(published, month):
        step = month - month_of(run.cutoff)
        found = list(forecasts.months(published.session, run.id, [series_id], horizon=step, probabilities=BOUNDS))
        used = {
            indicator.indicator_id: indicator.known_to for indicator in run_indicators.used(published.session, run.id)
        }
        arrived = sorted(code for code, known_to in used.items() if known and known_to > known.get(code, date.min))
        known = used or known
        if len(found) == step:
            last = found[-1]
            bounds = dict(zip((f"lo_{LEVEL}", f"hi_{LEVEL}"), last.quantiles, strict=True))
            row = {"as_of": run.as_of.isoformat(), "run": run.id, "step": step, "mean": last.mean}
            rows.append({**row, "median": last.median, **bounds, "arrived": ", ".join(arrived)})
    return rows


def _runs(published: PublishedRun, month: int) -> list[PublishedRunRecord]:
    """The last published run of each day that forecasts a month a few steps ahead, oldest first."""
    page = runs.page(published.session, dataset_id=published.run.dataset_id, status="published", limit=RUNS)
    by_day: dict[date, PublishedRunRecord] = {}
    for run in filter(None, map(runs.as_published, page.rows)):
        step = month - month_of(run.cutoff)
        if 1 <= step <= min(EARLIEST, run.horizon) and run.as_of <= published.run.as_of and run.id <= published.run.id:
            by_day.setdefault(run.as_of, run)
    return [by_day[day] for day in sorted(by_day)]
