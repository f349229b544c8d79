"""Overview: the forecast summary of each dataset, the latest actuals, forecast changes and the next release."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import links
from presentation.sections.headline import headline
from services.catalog_cache import CatalogCache
from services.published_run import earlier_runs, open_run
from store.queries import catalog, releases, runs

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
    cards = [_card(session, catalogs, dataset.id) for dataset in catalog.datasets(session) if dataset.series]
    # Datasets with a balance first: their totals are what most readers look for.
    cards.sort(key=lambda card: len(card["flows"]), reverse=True)
    today = options.now().date()
    sections = [section for card in cards for section in card["sections"]]
    return page(request, "overview.html", title="Overview", sections=sections, query=query, cards=cards, today=today)


def _card(session: Session, catalogs: CatalogCache, dataset: str) -> dict[str, Any]:
    record = catalog.dataset(session, dataset)
    if runs.latest_published(session, dataset) is None:
        return {"dataset": record, "run": None, "flows": [], "sections": []}
    published = open_run(session, catalogs, dataset)
    known = earlier_runs(session, published.run, limit=1)
    # Published runs never change, so that the headline of a run and its predecessor can be cached.
    key = ("overview", published.run.id, *(run.id for run in known))
    card = catalogs.answers.get(key)
    if card is None:
        card = headline(published)
        catalogs.answers.put(key, card)
    due = releases.next_due(session, dataset)
    return {**card, "dataset": record, "run": published.run, "unit": published.unit, "due": due}
