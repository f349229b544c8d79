"""Memo on a run: one page with the headline, one chart, drivers, changes, odds and the accuracy of past forecasts."""

from typing import Any, NamedTuple

from sqlmodel import Session

from forecasting.analysis.periods import Period, periods_ahead
from presentation import formatting, links
from presentation.sections.events import read_listed
from presentation.sections.headline import headline
from presentation.sections.partner_sector_grid import is_country, read_grid
from presentation.sections.probability import offered_sentence
from presentation.sections.run import differences
from presentation.sections.section import Section
from presentation.sections.verdict import verdict
from services.backtests.backtest_summary import read_scores
from services.events.events import weight
from services.forecasts.event_probability import read_event
from services.forecasts.period_summary import PeriodSummary
from services.runs.published_run import PublishedRun, citation, earlier_runs, open_run
from services.series.catalog_cache import CatalogCache
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import runs

DRIVERS, ODDS, EVENTS = 3, 6, 2
RISKS = "Events announced after the data of this run, such as tariffs, are not in the forecasts."


class MemoPart(NamedTuple):
    """A heading with its sentences."""

    heading: str
    sentences: list[str]


class Memo(NamedTuple):
    """A memo: title, subtitle, the headline, the chart, further parts, the citation, and its appendix's address."""

    title: str
    subtitle: str
    headline: list[str]
    chart: Section
    parts: list[MemoPart]
    citation: str
    unit: str
    appendix: str


def read_memo(session: Session, catalogs: CatalogCache, run_id: int) -> Memo:
    """The memo on a published run. Raises UnknownRun, RunNotPublished."""
    published = open_run(session, catalogs, runs.find(session, run_id).dataset_id, run_id)
    run, head = published.run, headline(published)
    parts = [
        MemoPart("Drivers of growth", _drivers(published)),
        MemoPart("Changes since the previous run", _changes(published, head)),
        MemoPart("Probabilities", _odds(published)),
        MemoPart("Risks", _risks(published)),
        MemoPart("Accuracy", _accuracy(published)),
    ]
    return Memo(
        title=published.dataset.title,
        subtitle=f"Forecast memo. Data to {formatting.month_name(published.cutoff)}; run {run.id} as of "
        f"{formatting.day_name(run.as_of)}. Unit: {published.unit}.",
        headline=[_flow_sentence(published, flow) for flow in head["flows"]],
        chart=head["sections"][0],
        parts=[part for part in parts if part.sentences],
        citation=citation(published, published.dataset.title, links.api_run(run.id)),
        unit=published.unit,
        appendix=f"the report with every series, {links.api_report(run.id, 'pdf')}.",
    )


def _flow_sentence(published: PublishedRun, flow: dict[str, Any]) -> str:
    periods = [_estimate_sentence(published, flow[name]) for name in ("month", "year") if flow[name]]
    return f"{flow['name']}. {' '.join(periods)}"


def _estimate_sentence(published: PublishedRun, summary: PeriodSummary) -> str:
    unit, level, growth = published.unit, summary.level, summary.growth.median
    change = "" if growth is None else f", {formatting.per_cent_change(growth)} on a year ago"
    interval = f"80 % interval {formatting.money(level.lo, unit)} to {formatting.money(level.hi, unit)}"
    return f"{offered_sentence(summary.span)}: {formatting.money(level.median, unit)}{change}; {interval}."


def _year(published: PublishedRun) -> Period | None:
    return next(iter(periods_ahead(published.last, published.run.horizon, "A")), None)


def _drivers(published: PublishedRun) -> list[str]:
    """The largest contributions of partners, or else of sectors, to the growth of the first flow's total."""
    year, flow = _year(published), published.flows[0]
    if year is None or (flow, TOTAL_PARTNER, TOTAL_SECTOR) not in published.catalog.places:
        return []
    cells = read_grid(published, flow, year, "contribution").cells
    partners = {
        published.partner_name(code): cell
        for (code, sector), cell in cells.items()
        if sector == TOTAL_SECTOR and is_country(code) and code not in published.catalog.members
    }
    sectors = {
        published.catalog.sectors[sector]: cell
        for (code, sector), cell in cells.items()
        if code == TOTAL_PARTNER and sector != TOTAL_SECTOR
    }
    found = {name: cell.value for name, cell in (partners or sectors).items() if cell.value is not None}
    largest = sorted(found, key=lambda name: abs(found[name]), reverse=True)[:DRIVERS]
    subject = f"the growth of {formatting.FLOW_NAMES[flow]} in {year.label}"
    return [f"{name}: {formatting.points(found[name])} of {subject}." for name in largest]


def _changes(published: PublishedRun, head: dict[str, Any]) -> list[str]:
    before = next(iter(earlier_runs(published.session, published.run, limit=1)), None)
    if before is None or not head["news"]:
        return []
    unit = published.unit
    moved = [
        f"{change['name']}, {offered_sentence(change['span'])}: {formatting.money(change['after'].median, unit)}, "
        f"previously {formatting.money(change['before'], unit)}."
        for change in head["news"]["changes"]
    ]
    return [*moved, differences(published.run, before)]


def _odds(published: PublishedRun) -> list[str]:
    """Probabilities of thresholds with an uncertain outcome, for the calendar year of each total."""
    year = _year(published)
    if year is None:
        return []
    found = []
    for flow in published.flows:
        series = published.main(flow)
        name = formatting.inside_sentence(published.name(series))
        for threshold in read_event(published, series, year, "lin").thresholds[:2]:
            value = formatting.money(threshold.value, published.unit)
            found.append(
                f"{name[:1].upper()}{name[1:]} in {year.label} above {value} ({threshold.reason}): "
                f"{formatting.share(threshold.above)}."
            )
    return found[:ODDS]


def _risks(published: PublishedRun) -> list[str]:
    """The weightiest events that are known and not in the forecast of the first flow's total, and a caution."""
    listed = read_listed(published, published.main(published.flows[0]))
    open_events = [item.event for item in listed if item.status == "known, not in the forecast"]
    found = sorted(open_events, key=weight, reverse=True)[:EVENTS]
    return [
        *(f"{event.title}, effective {formatting.day_name(event.effective)}: not in the forecasts." for event in found),
        RISKS,
    ]


def _accuracy(published: PublishedRun) -> list[str]:
    series = published.main(published.flows[0])
    text = verdict(read_scores(published, [series], "month"), kind="month", unit=published.unit)
    return [f"{published.name(series)}: {text[:1].lower()}{text[1:]}"] if text else []
