"""Concentration: how much of a flow depends on few partners or sectors, observed and expected."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import formatting, links
from presentation.sections.concentration import (
    concentration_sections,
    concentration_sentence,
    nothing_to_concentrate,
)
from services.errors import NothingToConcentrate, PartsDoNotAddUp
from services.parameters import Code, RunId
from services.partners.concentration import read_concentration
from services.queries.forecasts import ConcentrationQuery
from services.runs.published_run import PublishedRun, citation, open_partner_run, partner_datasets
from store.errors import UnknownSeries

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.concentration(), "Concentration")
FREQUENCIES = (("M", "Months"), ("Q", "Quarters"), ("A", "Years"))
HISTORY = 120
"""Longest history shown, in months."""


class ConcentrationPageQuery(PageQuery):
    """The dataset, the flow, the dimension and the periods."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M"] | None = None
    over: Literal["partner", "sector"] = "partner"
    frequency: Literal["M", "Q", "A"] = "Q"


@router.get("/concentration")
def read_concentration_page(
    query: Annotated[ConcentrationPageQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """The Herfindahl-Hirschman index and the shares of the largest: history, now, and ahead."""
    published = open_partner_run(session, catalogs, query.dataset, query.run)
    flow = query.flow or published.flows[0]
    parameters = {"over": query.over, "flow": flow, "frequency": query.frequency, "level": [80.0], "history": HISTORY}
    try:
        found = read_concentration(
            session,
            published.run,
            published.catalog,
            ConcentrationQuery.model_validate(parameters),
            published.run.horizon,
        )
        sections, sentence = (
            concentration_sections(published, found, parameters),
            concentration_sentence(found, query.over),
        )
    except (NothingToConcentrate, PartsDoNotAddUp, UnknownSeries):
        sections, sentence = [], nothing_to_concentrate(published, query.over)
    address = links.concentration(published.dataset.id, flow=flow, over=query.over, run=published.run.id)
    return page(
        request,
        "concentration.html",
        title="Concentration",
        sections=sections,
        query=query,
        published=published,
        flow=flow,
        sentence=sentence,
        datasets=[(code, code) for code in partner_datasets(session)],
        flows=_flows(published),
        dimensions=[("partner", "Partners"), ("sector", "Sectors")],
        frequencies=FREQUENCIES,
        citation=citation(published, "concentration", links.absolute(request.base_url, address)),
    )


def _flows(published: PublishedRun) -> list[tuple[str, str]]:
    return [(code, formatting.FLOW_NAMES[code].capitalize()) for code in published.flows if code != "B"]
