"""The choices that the form of a scenario offers: datasets, periods, and scenarios to begin with."""

from datetime import date
from typing import Any

from sqlmodel import Session

from forecasting.analysis.periods import Period
from presentation import links
from presentation.scenario_texts import scenario_name
from services.forecasts.event_probability import periods_offered
from services.runs.published_run import PublishedRun, month_of
from services.scenarios.scenario_form import Statement, year_shown
from store.queries import catalog

PREFERRED = ("CN_PARTNERS", "CN_TRADE")
PREFERRED_PARTNER = "USA"


def preferred_dataset(session: Session) -> str:
    """The dataset of a form without one: a preferred one that has data, else the first with data, else nothing."""
    names = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    return next((name for name in PREFERRED if name in names), names[0] if names else "")


def offered_periods(published: PublishedRun, today: date, chosen: Period) -> list[Period]:
    """Years first, then months and quarters ahead, and the chosen period."""
    offered = [period for period in periods_offered(published, month_of(today)) if period.kind != "span"]
    known = {period.label: period for period in [*offered, chosen]}
    return sorted(known.values(), key=lambda period: (period.kind != "year", period.first, period.last))


def presets(published: PublishedRun) -> list[tuple[str, str]]:
    """Scenarios to begin with, as names and links."""
    flow = published.flows[0]
    main = published.main(flow)
    year = year_shown(published, published.last + published.run.horizon)
    start = Period(published.last + 1, published.last + 1, "month")
    found = [Statement(main, year, "expected", 0.0)]
    if PREFERRED_PARTNER in published.catalog.codes[1] and main.partner != PREFERRED_PARTNER:
        partner = published.choose(flow, PREFERRED_PARTNER, main.sector)
        found = [
            Statement(partner, year, "growth", -20.0),
            Statement(partner, start, "tariff", 25.0, 0.5),
            *found,
        ]
    return [(scenario_name(published, statement), scenario_link(published, statement)) for statement in found]


def scenario_link(published: PublishedRun, statement: Statement, **more: Any) -> str:
    """The address of the form with a statement; `more` are further parameters."""
    return links.scenarios(
        dataset=published.dataset.id,
        run=published.run.id,
        **links.codes(statement.series),
        period=statement.period.label,
        kind=statement.kind,
        value=statement.value,
        diversion=100 * statement.diversion or None,
        **more,
    )
