"""The first page: what is expected of each dataset, what is new, what came against what was expected, what is due."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.pages.rendering import PageQuery, PageRoute, page
from presentation.sections.headline import headline
from services.catalog_cache import CatalogCache
from services.published_run import earlier_runs, open_run
from store.queries import catalog, releases, runs

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])


@router.get("/")
def read_overview(
    query: Annotated[PageQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Every dataset's headline."""
    cards = [_card(session, catalogs, one.id) for one in catalog.datasets(session) if one.series]
    # The world's total comes first: it is what most people look for.
    cards.sort(key=lambda card: len(card["flows"]), reverse=True)
    today = options.now().date()
    blocks = [block for card in cards for block in card["blocks"]]
    return page(request, "overview.html", title="Overview", blocks=blocks, query=query, cards=cards, today=today)


def _card(session: Session, catalogs: CatalogCache, dataset: str) -> dict[str, Any]:
    record = catalog.dataset(session, dataset)
    if runs.latest_published(session, dataset) is None:
        return {"dataset": record, "run": None, "flows": [], "blocks": []}
    desk = open_run(session, catalogs, dataset)
    known = earlier_runs(session, desk.run, limit=1)
    # A published run never changes: what it says of itself and of the run before is worked out once.
    key = ("overview", desk.run.id, *(run.id for run in known))
    card = catalogs.answers.get(key)
    if card is None:
        card = headline(desk)
        catalogs.answers.put(key, card)
    return {**card, "dataset": record, "run": desk.run, "unit": desk.unit, "due": releases.next_due(session, dataset)}
