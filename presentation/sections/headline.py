"""Headline of a run: the next month and year of the totals, the latest actual and forecast, forecast changes."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from sqlmodel import Session

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.analysis.periods import Period, periods_ahead
from forecasting.data.months import MONTHS_PER_YEAR
from presentation import formatting, links
from presentation.sections.forecast import monthly_fan
from presentation.sections.section import Section, figure, in_unit, link
from services.forecasts.period_summary import Estimate, PeriodSummary, estimate, period_rows, summarise_period
from services.history.first_prints import first_prints
from services.history.past_forecasts import forecasts_of_folds
from services.runs.published_run import PublishedRun, citation, earlier_runs, month_of
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import events
from store.queries.runs import PublishedRunRecord

LEVEL, CHART_YEARS = 80.0, 5


def headline(published: PublishedRun, *, month: int | None = None) -> dict[str, Any]:
    """Headline of the totals: summaries by flow, the latest actuals, forecast changes, a chart and the sectors.

    It leads with a month number, by default that of the run's as-of day, moved into the horizon of the run.
    """
    wanted = month_of(published.run.as_of) if month is None else month
    lead_month = min(max(wanted, published.last + 1), published.last + published.run.horizon)
    totals = [published.main(flow) for flow in published.flows]
    all_paths = published.read_paths(totals)
    before = next(iter(earlier_runs(published.session, published.run, limit=1)), None)
    earlier = published.at(before) if before else None
    flows = [
        _flow_summary(published, series, paths, lead_month) for series, paths in zip(totals, all_paths, strict=True)
    ]
    return {
        "flows": flows,
        "lead": flows[-1] if len(flows) > 1 else flows[0],
        "has_total": any(series.partner == TOTAL_PARTNER for series in totals),
        "actuals": [
            _latest_actual(published, earlier, series, paths)
            for series, paths in zip(totals, all_paths, strict=True)
            if isfinite(paths.observed[-1])
        ],
        "news": _forecast_changes(published, earlier, totals, flows),
        "citation": citation(published, published.dataset.title, links.api_run(published.run.id)),
        "sections": [_fan(published, totals[0], all_paths[0]), *_sectors(published)],
    }


def edition(session: Session, run: PublishedRunRecord) -> str:
    """The run before a run and the events, on which its headline depends as well, as a text."""
    before = next(iter(earlier_runs(session, run, limit=1)), None)
    return f"{before.id if before else 0}-{events.edition(session)}"


def _flow_summary(
    published: PublishedRun, series: ResolvedSeries, series_paths: SeriesPaths, month: int
) -> dict[str, Any]:
    """Summaries of a month, of its calendar year, and of the month that is released next."""
    period, following = Period(month, month, "month"), periods_ahead(published.last, 1, "M")[0]
    years = periods_ahead(published.last, published.run.horizon, "A")
    year = next((year for year in years if year.first <= month <= year.last), None)
    before = [year.back(MONTHS_PER_YEAR)] if year else []
    return {
        "name": published.name(series),
        "href": links.series_page(series.unique_id),
        "month": summarise_period(series_paths, period, level=LEVEL),
        "year": summarise_period(series_paths, year, level=LEVEL) if year else None,
        "observed": year.observed(published.last) if year else 0,
        "first_print": next(iter(first_prints(published.session, series, before, as_of=published.run.as_of)), None),
        "next": estimate(series_paths, following, "lin", level=LEVEL),
    }


def _latest_actual(
    published: PublishedRun, earlier: PublishedRun | None, series: ResolvedSeries, series_paths: SeriesPaths
) -> dict[str, Any]:
    """The latest actual beside its forecast: of the previous run, or else of the backtest one month earlier."""
    actual, month = float(series_paths.observed[-1]), Period(published.last, published.last, "month")
    if earlier and published.last <= earlier.last + earlier.run.horizon:
        forecast = estimate(earlier.read_paths([series])[0], month, "lin", level=LEVEL)
        if forecast.median is not None:
            return _compared(published, series, actual, forecast, _origin(earlier))
    return _compared(published, series, actual, *_from_fold(published, series))


def _origin(earlier: PublishedRun) -> str:
    as_of, cutoff = formatting.day_name(earlier.run.as_of), formatting.month_name(earlier.cutoff)
    return f"run {earlier.run.id} of {as_of} (data to {cutoff})"


def _from_fold(published: PublishedRun, series: ResolvedSeries) -> tuple[Estimate, str]:
    """The newest fold's forecast of the last observed month, and its origin."""
    folds = forecasts_of_folds(published, series, limit=1)
    found = next((row for rows in folds for row in rows if row.month == published.last), None)
    if found is None:
        return Estimate(None, None, None), ""
    months = formatting.count_of(found.month - found.made, "month")
    return Estimate(found.mean, found.lo, found.hi), f"the backtest {months} earlier"


def _compared(
    published: PublishedRun, series: ResolvedSeries, actual: float, forecast: Estimate, source: str
) -> dict[str, Any]:
    inside = None if forecast.lo is None or forecast.hi is None else forecast.lo <= actual <= forecast.hi
    return {
        "name": published.name(series),
        "actual": actual,
        "forecast": forecast,
        "source": source,
        "inside": inside,
    }


def _forecast_changes(
    published: PublishedRun,
    earlier: PublishedRun | None,
    totals: Sequence[ResolvedSeries],
    flows: Sequence[dict[str, Any]],
) -> dict[str, Any] | None:
    """Forecasts of the previous run for the same periods."""
    if earlier is None:
        return None
    changes = []
    for series, series_paths, flow in zip(totals, earlier.read_paths(totals), flows, strict=True):
        for summary in (flow["month"], flow["year"]):
            rows = period_rows(series_paths, [summary.span], "lin", [LEVEL]) if _is_within(earlier, summary) else []
            if rows:
                changes.append(
                    {
                        "name": published.name(series),
                        "span": summary.span,
                        "before": rows[0]["median"],
                        "after": summary.level,
                    }
                )
    return {"run": earlier.run, "months": published.last - earlier.last, "changes": changes}


def _is_within(published: PublishedRun, summary: PeriodSummary | None) -> bool:
    return summary is not None and summary.span.last <= published.last + published.run.horizon


def _fan(published: PublishedRun, series: ResolvedSeries, series_paths: SeriesPaths) -> Section:
    name = f"{published.dataset.id.lower()}-next"
    return monthly_fan(published, series, series_paths, name=name, years=CHART_YEARS, open_=False)


def _sectors(published: PublishedRun) -> list[Section]:
    """The calendar year by sector, where the dataset has sectors."""
    stored = published.catalog.stored_values
    chosen = [series for series in stored if series.partner == TOTAL_PARTNER and series.sector != TOTAL_SECTOR]
    years = periods_ahead(published.last, published.run.horizon, "A")
    if not chosen or not years:
        return []
    show = in_unit(published.unit)
    rows = []
    for series, series_paths in zip(chosen, published.read_paths(chosen), strict=True):
        summary = summarise_period(series_paths, years[0], level=LEVEL)
        rows.append(
            {
                "series": published.name(series),
                "href": links.series_page(series.unique_id),
                "forecast": summary.level.median,
                "lo": summary.level.lo,
                "hi": summary.level.hi,
                "growth": summary.growth.median,
                "above_year_ago": summary.above_year_ago,
            }
        )
    return [
        Section(
            name=f"{published.dataset.id.lower()}-sectors",
            title=f"{years[0].label} by sector",
            columns=[
                link("series", "Series"),
                figure("forecast", f"Forecast ({published.unit})", show),
                figure("lo", "80 % from", show),
                figure("hi", "80 % to", show),
                figure("growth", "Growth on a year ago", formatting.per_cent_change),
                figure("above_year_ago", "Probability of growth", formatting.share),
            ],
            rows=rows,
            api=links.api_forecasts(published.run.id, flow="X", partner="WLD", frequency="A", level=80),
        )
    ]
