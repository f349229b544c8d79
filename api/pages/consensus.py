"""Consensus: external forecasts beside Tradewind's, first prints and revised values."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import links
from presentation.sections.consensus import consensus_sections, verdict
from services.history.consensus import consensus
from services.parameters import Code
from services.runs.published_run import PublishedRun, citation, open_run
from services.series.series_catalog import part_names
from store.models import ResolvedSeries
from store.queries import external_forecasts

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.consensus(), "Consensus")


class ConsensusQuery(PageQuery):
    """A series with external forecasts; by default growth of the dataset's first."""

    dataset: Code | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    units: Literal["pc1", "lin"] | None = None
    model: Code | None = None


@router.get("/consensus")
def read_consensus_page(
    query: Annotated[ConsensusQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """The forecasts of one external model on one series; without any, the page says how they are added."""
    dataset = query.dataset or next(iter(external_forecasts.datasets(session)), None)
    published = None if dataset is None else open_run(session, catalogs, dataset)
    if published is None:
        return page(request, "consensus.html", title="Consensus", query=query, published=None)
    series = _series(published, query)
    (number, *_) = part_names([series])
    growth = query.units == "pc1" if query.units else series.flow != "B"
    found = consensus(session, number, flow=series.flow, growth=growth)
    chosen = next((entry for entry in found if query.model in (None, entry.model)), None)
    name = published.name(series)
    units = "pc1" if growth else "lin"
    address = links.absolute(request.base_url, links.consensus(**links.codes(series), units=units))
    return page(
        request,
        "consensus.html",
        title="Consensus",
        query=query,
        subject=name,
        sections=consensus_sections(published, series, chosen, growth=growth) if chosen else [],
        published=published,
        series=series,
        units=units,
        model=chosen.model if chosen else "",
        models=[(entry.model, entry.model) for entry in found],
        name=name,
        verdict=verdict(chosen, growth=growth, unit=published.unit) if chosen else "",
        flows=[(flow, title) for flow, title in FLOWS.items() if flow in published.flows],
        citation=citation(published, f"{name}, external forecasts", address),
    )


FLOWS = {"X": "Exports", "M": "Imports", "B": "Balance"}


def _series(published: PublishedRun, query: ConsensusQuery) -> ResolvedSeries:
    main = published.main(query.flow or published.flows[0])
    return published.choose(main.flow, query.partner or main.partner, query.sector or main.sector)
