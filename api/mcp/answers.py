"""Answers of the tools: each with its unit, run, day of knowledge and a link to the REST API."""

from collections.abc import Iterable
from typing import Any

from forecasting.data.months import format_month, months_after
from presentation import links
from services.backtests.coverage import IntervalCoverage
from services.forecasts.forecasts import StepForecast
from services.series.series_catalog import SeriesCatalog
from store.models import ResolvedSeries
from store.queries.runs import PublishedRunRecord

DIGITS = 6


def run_facts(run: PublishedRunRecord) -> dict[str, Any]:
    """The run of an answer: its number, the day of its knowledge and the last observed month."""
    return {"run": run.id, "as_of": str(run.as_of), "data_to": format_month(run.cutoff)}


def series_facts(catalog: SeriesCatalog, series: ResolvedSeries) -> dict[str, str]:
    """A series and its names."""
    flow = {"X": "exports", "M": "imports", "B": "balance"}[series.flow]
    partner, sector = catalog.partners[series.partner], catalog.sectors[series.sector]
    return {"unique_id": series.unique_id, "flow": flow, "partner": partner, "sector": sector}


def period_rows(run: PublishedRunRecord, rows: Iterable[StepForecast], levels: list[float]) -> list[dict[str, Any]]:
    """Forecasts by period: median, mean and intervals; the reason where there is no answer."""
    months = months_after(run.cutoff, run.horizon)
    found: list[dict[str, Any]] = []
    for row in rows:
        period = row.span.label if row.span else months[row.step - 1]
        if row.reason:
            found.append({"period": period, "reason": row.reason})
            continue
        bounds = {f"{level:g}%": [rounded(lo), rounded(hi)] for level, (lo, hi) in zip(levels, row.bounds, strict=True)}
        found.append({"period": period, "median": rounded(row.median), "mean": rounded(row.mean), "intervals": bounds})
    return found


def coverage_facts(coverage: IntervalCoverage) -> dict[str, Any]:
    """The share of past outcomes inside such intervals, pooled over steps."""
    if coverage.reason:
        return {"not_available": coverage.reason}
    pooled = [row for row, _ in coverage.rows if not row.step]
    shares = {f"{row.level:g}%": rounded(row.coverage) for row in pooled}
    return {"share_of_outcomes_inside": shares, "folds": coverage.folds.number}


def rounded(value: float | None) -> float | None:
    """A number to six significant digits: more would only cost an assistant attention."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def link(base_url: str, path: str) -> str:
    """The address of the same answer in the REST API."""
    return links.absolute(base_url, path)
