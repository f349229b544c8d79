"""What a run says first: the next month and the year, what came against what was expected, what is new."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.analysis.periods import Period, periods_ahead
from forecasting.config import COMBINATION, interval_probabilities
from presentation import formatting
from presentation.sections.forecast import monthly_fan
from presentation.sections.section import Section, in_unit, link
from presentation.sections.section import figure as figure_column
from services.period_summary import Figure, Outcome, figure, outcome, rows_ahead
from services.published_run import PublishedRun, citation, earlier_runs
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import backtest_folds, backtests

LEVEL, CHART_YEARS = 80.0, 5
NO_INTERVAL = "no interval: the backtest keeps bounds of exports and of imports, and bounds do not add up"


def headline(desk: PublishedRun) -> dict[str, Any]:
    """What a run says of its totals: the next month, the year, what came, what is new; with a chart and sectors."""
    totals = [desk.main(flow) for flow in desk.flows]
    all_paths = desk.read_paths(totals)
    before = next(iter(earlier_runs(desk.session, desk.run, limit=1)), None)
    earlier = desk.at(before) if before else None
    flows = [_outcomes(desk, one, series_paths) for one, series_paths in zip(totals, all_paths, strict=True)]
    return {
        "flows": flows,
        "lead": flows[-1] if len(flows) > 1 else flows[0],
        "came": [
            _last_published(desk, earlier, one, series_paths)
            for one, series_paths in zip(totals, all_paths, strict=True)
            if isfinite(series_paths.observed[-1])
        ],
        "news": _news(desk, earlier, totals, flows),
        "citation": citation(desk, desk.dataset.title, f"/v1/runs/{desk.run.id}"),
        "blocks": [_fan(desk, totals[0], all_paths[0]), *_sectors(desk)],
    }


def _outcomes(desk: PublishedRun, one: ResolvedSeries, series_paths: SeriesPaths) -> dict[str, Any]:
    """The next month and the calendar year it is in."""
    month = periods_ahead(desk.last, 1, "M")[0]
    years = periods_ahead(desk.last, desk.run.horizon, "A")
    return {
        "name": desk.name(one),
        "href": f"/series/{one.unique_id.replace('.', '/')}",
        "month": outcome(series_paths, month, level=LEVEL),
        "year": outcome(series_paths, years[0], level=LEVEL) if years else None,
        "observed": years[0].observed(desk.last) if years else 0,
    }


def _last_published(
    desk: PublishedRun, earlier: PublishedRun | None, one: ResolvedSeries, series_paths: SeriesPaths
) -> dict[str, Any]:
    """The newest figure beside what was expected of it: by the run before, else by the backtest a month earlier."""
    actual, month = float(series_paths.observed[-1]), Period(desk.last, desk.last, "month")
    if earlier and desk.last <= earlier.last + earlier.run.horizon:
        expected = figure(earlier.read_paths([one])[0], month, "lin", level=LEVEL)
        if expected.median is not None:
            return _compared(desk, one, actual, expected, f"run {earlier.run.id}")
    return _compared(desk, one, actual, _from_fold(desk, one), "the backtest a month earlier")


def _from_fold(desk: PublishedRun, one: ResolvedSeries) -> Figure:
    """What the newest fold said a month ahead; a derived series has a mean there and no interval.

    Folds keep quantiles, not draws, and bounds of the parts do not add up to bounds of their sum.
    """
    if one.derived:
        return Figure(_sum_of_fold(desk, one), None, None)
    number = one.parts[0].series_id
    page_of = backtest_folds.page(desk.session, desk.run.id, number, forecaster=COMBINATION, limit=1)
    if not page_of.rows:
        return Figure(None, None, None)
    means, quantiles = page_of.rows[0].means, page_of.rows[0].quantiles
    lo, hi = (
        (quantiles[desk.probabilities.index(each)][0] for each in interval_probabilities(LEVEL))
        if quantiles
        else (None, None)
    )
    return Figure(means[0], lo, hi)


def _sum_of_fold(desk: PublishedRun, one: ResolvedSeries) -> float | None:
    """The parts' means at the newest fold, added up; None where a part has none."""
    signs = {part.series_id: part.sign for part in one.parts}
    found = backtests.said(desk.session, desk.run.id, list(signs), forecaster=COMBINATION)
    newest = max((said.cutoff for said in found if said.cutoff < desk.cutoff), default=None)
    means = {said.series_id: said.means[0] for said in found if said.cutoff == newest}
    return sum(signs[number] * mean for number, mean in means.items()) if len(means) == len(signs) else None


def _compared(desk: PublishedRun, one: ResolvedSeries, actual: float, expected: Figure, by: str) -> dict[str, Any]:
    held = None if expected.lo is None or expected.hi is None else expected.lo <= actual <= expected.hi
    why = NO_INTERVAL if one.derived and held is None and expected.median is not None else None
    return {"name": desk.name(one), "actual": actual, "expected": expected, "by": by, "held": held, "why": why}


def _news(
    desk: PublishedRun, earlier: PublishedRun | None, totals: Sequence[ResolvedSeries], now: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """What the run before expected of the same periods."""
    if earlier is None:
        return None
    changes = []
    for one, series_paths, flow in zip(totals, earlier.read_paths(totals), now, strict=True):
        for each in (flow["month"], flow["year"]):
            was = rows_ahead(series_paths, [each.span], "lin", [LEVEL]) if _within(earlier, each) else []
            if was:
                changes.append({"name": desk.name(one), "span": each.span, "was": was[0]["median"], "now": each.level})
    return {"run": earlier.run, "months": desk.last - earlier.last, "changes": changes}


def _within(desk: PublishedRun, found: Outcome | None) -> bool:
    return found is not None and found.span.last <= desk.last + desk.run.horizon


def _fan(desk: PublishedRun, one: ResolvedSeries, series_paths: SeriesPaths) -> Section:
    return monthly_fan(desk, one, series_paths, name=f"{desk.dataset.id.lower()}-next", years=CHART_YEARS, open_=False)


def _sectors(desk: PublishedRun) -> list[Section]:
    """The year by sector, where the dataset has sectors."""
    chosen = [one for one in desk.catalog.stored if one.partner == TOTAL_PARTNER and one.sector != TOTAL_SECTOR]
    years = periods_ahead(desk.last, desk.run.horizon, "A")
    if not chosen or not years:
        return []
    show = in_unit(desk.unit)
    rows = []
    for one, series_paths in zip(chosen, desk.read_paths(chosen), strict=True):
        found = outcome(series_paths, years[0], level=LEVEL)
        rows.append(
            {
                "series": desk.name(one),
                "href": f"/series/{one.unique_id.replace('.', '/')}",
                "expected": found.level.median,
                "lo": found.level.lo,
                "hi": found.level.hi,
                "growth": found.growth.median,
                "above_year_ago": found.above_year_ago,
            }
        )
    return [
        Section(
            name=f"{desk.dataset.id.lower()}-sectors",
            title=f"{years[0].label} by sector",
            columns=[
                link("series", "Series"),
                figure_column("expected", f"Expected ({desk.unit})", show),
                figure_column("lo", "80 % from", show),
                figure_column("hi", "80 % to", show),
                figure_column("growth", "On the year before", formatting.per_cent_change),
                figure_column("above_year_ago", "Chance to exceed the year before", formatting.share),
            ],
            rows=rows,
            api=f"/v1/runs/{desk.run.id}/forecasts?flow=X&partner=WLD&frequency=A&level=80",
        )
    ]
