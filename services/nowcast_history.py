"""How the forecast of one month moved from run to run as observations and indicators arrived."""

from datetime import date
from typing import Any, NamedTuple

from forecasting.data.months import first_day
from services.published_run import PublishedRun, month_of
from store.models import ResolvedSeries
from store.queries import forecasts, run_indicators, runs
from store.queries.run_inputs import recent
from store.queries.runs import PublishedRunRecord

Row = dict[str, Any]
LEVEL = 80
BOUNDS = (0.1, 0.9)
EARLIEST = 3
"""Steps ahead from which a forecast is shown."""
RUNS = 60


class NowcastHistory(NamedTuple):
    """Forecasts of one month, oldest first, and its observed value, None while it is not published.

    Each row has as_of, run, mean, median, lo_80, hi_80 (in the dataset's unit), step and arrived: the codes of the
    indicators that gained a month since the row before.
    """

    month: date
    rows: list[Row]
    outcome: float | None


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
            day = first_day(month)
            seen = recent(published.session, published.run.id, [part.series_id], first=day, last=day).values
            outcome = float(seen[0, 0]) if month == published.last else None
            return NowcastHistory(day, rows, outcome)
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
