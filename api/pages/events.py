"""Events: the calendar, and the effect of one event by partner."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import formatting, links
from presentation.sections.event_effects import calendar_section, effect_sentence, effects_section
from services.errors import Unanswerable
from services.events.event_effects import EffectsAnswer, read_effects
from services.events.events import weight
from services.parameters import Code, RunId
from services.queries.events import EffectsQuery
from services.runs.published_run import PublishedRun, citation, open_partner_run
from store.errors import UnknownSeries
from store.queries import catalog
from store.queries import events as store_events
from store.queries.events import EventRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.events(), "Events")
WINDOWS = ((3, "3 months"), (6, "6 months"), (12, "12 months"))
TRIED, TRUCE = 8, "truce"


class EventsPageQuery(PageQuery):
    """The dataset, the run, the event and the months of its effect."""

    dataset: Code | None = None
    run: RunId | None = None
    event: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]{0,59}$")
    flow: Literal["X", "M"] = "X"
    months: int = Field(default=6, ge=1, le=24)


@router.get("/events")
def read_events_page(
    query: Annotated[EventsPageQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """The event calendar, and the effect of the chosen event, by default of the largest that has one."""
    published = open_partner_run(session, catalogs, query.dataset, query.run)
    known = store_events.events(session)
    found = _effects(session, published, query, known)
    effects = [] if found is None else [effects_section(published, found)]
    path = links.events(published.dataset.id, event=query.event, run=published.run.id)
    return page(
        request,
        "events.html",
        title="Events",
        sections=[*effects, calendar_section(known, published.dataset.id)],
        query=query,
        published=published,
        event=found.event if found else None,
        sentence=effect_sentence(published, found) if found else "",
        datasets=[(dataset.id, dataset.id) for dataset in catalog.datasets(session) if dataset.series],
        events=[(event.id, f"{event.title} ({formatting.day_name(event.effective)})") for event in reversed(known)],
        windows=WINDOWS,
        citation=citation(published, "effects of events", links.absolute(request.base_url, path)),
    )


def _effects(
    session: Session, published: PublishedRun, query: EventsPageQuery, known: list[EventRecord]
) -> EffectsAnswer | None:
    """The effects of the event asked for, else of the largest one, no truce, with a forecast from before it."""
    if query.event is not None:
        return read_effects(session, published, _query(query, query.event))
    observed = [event for event in known if event.effective <= published.cutoff and event.kind != TRUCE]
    for event in sorted(observed, key=weight, reverse=True)[:TRIED]:
        try:
            return read_effects(session, published, _query(query, event.id))
        except (Unanswerable, UnknownSeries):
            continue
    return None


def _query(query: EventsPageQuery, event: str) -> EffectsQuery:
    return EffectsQuery(event=event, flow=query.flow, months=query.months)
