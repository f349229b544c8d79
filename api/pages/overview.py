"""Overview: the forecast summary of each dataset, the latest actuals, forecast changes and the next release."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, freshness_of, page
from presentation import links
from presentation.sections.headline import edition, headline
from presentation.sections.probability import offered_sentence
from services.forecasts.event_probability import periods_offered
from services.runs.freshness import refinement
from services.runs.published_run import PublishedRun, month_of, open_run
from services.series.catalog_cache import CatalogCache
from store.queries import catalog, releases, runs
from store.queries.catalog import DatasetRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.HOME, "Overview")


@router.get("/")
def read_overview(
    query: Annotated[PageQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The headline of every dataset."""
    today = options.now().date()
    datasets = [dataset for dataset in catalog.datasets(session) if dataset.series]
    cards = [_card(request, session, catalogs, dataset, today) for dataset in datasets]
    # Datasets with a balance first: their totals are what most readers look for.
    cards.sort(key=lambda card: len(card["flows"]), reverse=True)
    sections = [section for card in cards for section in card["sections"]]
    return page(request, "overview.html", title="Overview", sections=sections, query=query, cards=cards, today=today)


def _card(
    request: Request, session: Session, catalogs: CatalogCache, dataset: DatasetRecord, today: date
) -> dict[str, Any]:
    if runs.latest_published(session, dataset.id) is None:
        running = runs.newest_running(session, dataset.id)
        return {"dataset": dataset, "run": None, "flows": [], "sections": [], "refinement": running}
    published = open_run(session, catalogs, dataset.id)
    return {
        **_cached_headline(catalogs, published, month_of(today)),
        "dataset": dataset,
        "run": published.run,
        "unit": published.unit,
        "short_history": published.short_history,
        "due": releases.next_due(session, dataset.id),
        "freshness": freshness_of(request, published),
        "refinement": refinement(session, published.run),
    }


def prepare(session: Session, catalogs: CatalogCache, today: date) -> None:
    """Compute the headlines of all published runs, so that no reader waits for them."""
    for dataset in catalog.datasets(session):
        if dataset.series and runs.latest_published(session, dataset.id):
            _cached_headline(catalogs, open_run(session, catalogs, dataset.id), month_of(today))


def _cached_headline(catalogs: CatalogCache, published: PublishedRun, month: int) -> dict[str, Any]:
    """The headline of a run, which is cached because published runs never change."""
    key = ("overview", published.run.id, month, edition(published.session, published.run))
    cached: dict[str, Any] = catalogs.answers.get(key, partial(_headline, published, month))
    return cached


def _headline(published: PublishedRun, month: int) -> dict[str, Any]:
    """The parts of a card that follow from the run, its predecessor and the month."""
    periods = [(period.label, offered_sentence(period)) for period in periods_offered(published, month)]
    return {
        **headline(published, month=month),
        "series": published.main(published.flows[-1]),
        "periods": periods,
    }
