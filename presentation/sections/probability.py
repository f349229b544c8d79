"""Answers to questions about probability: a sentence, thresholds that matter, and the distribution of the forecast."""

from typing import Any

from forecasting.analysis.period_draws import Units
from forecasting.analysis.periods import Period
from presentation import formatting, links
from presentation.charts.density import density, density_rows
from presentation.sections.section import Section, figure, in_unit, link, text
from services.forecasts.event_probability import Event, event_probability
from services.forecasts.period_summary import unit_in_words
from services.runs.published_run import PublishedRun
from services.series.series_catalog import BALANCE
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries

UNIT_NAMES = {"lin": "Level", "pc1": "Growth on a year ago"}
ROLLING_MONTHS = 12


def offered_sentence(period: Period) -> str:
    """The name of a period: November 2026, Q4 2026, January to November 2026, 12 months to November 2026, 2026."""
    if period.kind == "span" and period.months == ROLLING_MONTHS:
        return f"{ROLLING_MONTHS} months to {formatting.month_name(period.label.split('/')[-1])}"
    return formatting.period_name(period.label)


def sentence(
    published: PublishedRun,
    series: ResolvedSeries,
    event: Event,
    units: Units,
    *,
    above: float | None,
    below: float | None,
) -> dict[str, str] | None:
    """The answer as a sentence with its precision; None without a threshold or without draws."""
    if event.reason is not None or (above is None and below is None):
        return None
    show = in_unit(unit_in_words(units, published.unit_of(series)))
    found = event_probability(event, above=above, below=below)
    subject = formatting.inside_sentence(published.name(series))
    verb = "growth of " if units == "pc1" else ""
    article = "the " if series.flow == BALANCE else ""
    relation = {
        (True, False): f"above {show(above)}",
        (False, True): f"at most {show(below)}",
        (True, True): f"above {show(above)} and at most {show(below)}",
    }[above is not None, below is not None]
    precision = formatting.size_of_points(100 * found.standard_error)
    return {
        "probability": formatting.share(found.probability),
        "text": f"Probability that {verb}{article}{subject} in {offered_sentence(event.period)} is {relation}",
        "precision": f"Share of {found.draws:,} simulated paths; Monte Carlo standard error {precision}.",
    }


def event_sections(
    published: PublishedRun,
    series: ResolvedSeries,
    event: Event,
    units: Units,
    *,
    above: float | None,
    below: float | None,
) -> list[Section]:
    """The distribution of the forecast, and thresholds with their probability."""
    if event.reason is not None:
        return []
    unit = unit_in_words(units, published.unit_of(series))
    selection = {
        **links.codes(series),
        "dataset": published.dataset.id,
        "period": event.period.label,
        "units": units,
        "run": published.run.id,
    }
    sections = [_distribution(event, unit, selection, above=above, below=below)]
    return [*sections, _thresholds(event, unit, selection)] if event.thresholds else sections


def _distribution(
    event: Event, unit: str, selection: dict[str, Any], *, above: float | None, below: float | None
) -> Section:
    show = in_unit(unit)
    rows = density_rows(event.values, above=above, below=below)
    marked = [value for value in (above, below) if value is not None]
    bounds: dict[str, Any] = {"above": above, "below": below} if marked else {"above": event.estimate.median}
    return Section(
        name="distribution",
        title=f"Distribution of the forecast: {offered_sentence(event.period)}",
        columns=[
            figure("from", f"From ({unit})", show),
            figure("to", f"To ({unit})", show),
            figure("share", "Share of paths", formatting.share_of),
        ],
        rows=rows,
        spec=density(rows, unit=unit, thresholds=marked),
        note="Dark: paths in the event. Dashed: thresholds." if marked else "Histogram of the simulated paths.",
        open=False,
        api=links.api_probability(**selection, **bounds),
    )


def _thresholds(event: Event, unit: str, selection: dict[str, Any]) -> Section:
    rows = [
        {
            "value": threshold.value,
            "reason": threshold.reason,
            "above": threshold.above,
            "question": "Show",
            "href": links.ask(**selection, above=threshold.value),
        }
        for threshold in event.thresholds
    ]
    return Section(
        name="thresholds",
        title="Thresholds with an uncertain outcome",
        columns=[
            figure("value", f"Threshold ({unit})", in_unit(unit)),
            text("reason", "Reason"),
            figure("above", "Probability above", formatting.share),
            link("question", "Distribution"),
        ],
        rows=rows,
        api=links.api_probability(**selection, above=event.thresholds[0].value),
    )


def series_choices(published: PublishedRun) -> dict[str, list[tuple[str, str]]]:
    """Flows, partners and sectors of a run, for forms: totals first, groups second, the rest by name."""
    _, partners, sectors = published.catalog.codes
    members = published.catalog.members
    names = {code: published.partner_label(code) for code in [*partners, *members]}

    def rank(code: str) -> Any:
        return code != TOTAL_PARTNER, code not in members, names[code]

    ordered = sorted(sectors, key=lambda code: code != TOTAL_SECTOR)
    return {
        "flow": [(flow, formatting.FLOW_NAMES[flow].capitalize()) for flow in published.flows],
        "partner": [(code, names[code]) for code in sorted(names, key=rank)],
        "sector": [(code, published.catalog.sectors[code]) for code in ordered],
    }
