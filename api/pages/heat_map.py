"""Partners and sectors: growth forecasts and contributions to the total, as a heat map and small multiples."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from forecasting.analysis.periods import Period
from presentation import formatting, links
from presentation.sections.heat_map import MEASURES, heat_map_section, multiples_section, span_name
from presentation.sections.partner_sector_grid import (
    Grid,
    Measure,
    Which,
    is_country,
    partners_shown,
    periods_of,
    read_grid,
    read_label,
    sorted_partners,
)
from presentation.sections.section import Section
from services.parameters import Code, RunId
from services.runs.published_run import PublishedRun, citation, open_run
from services.series.catalog_cache import CatalogCache
from store.queries import catalog

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.heat_map(), "Partners and sectors")
PANELS = 12


class HeatmapQuery(PageQuery):
    """The partners, the period and the order of the heat map."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M"] | None = None
    measure: Measure = "pc1"
    period: str | None = Field(default=None, max_length=17, pattern=r"^[0-9Q/-]+$")
    which: Which = "countries"
    q: str = Field(default="", max_length=80, pattern=r"^[^\x00-\x1f]*$")
    sort: Code = "size"
    order: Literal["down", "up"] = "down"


@router.get("/heatmap")
def read_heatmap(
    query: Annotated[HeatmapQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """Partners and sectors of one run."""
    datasets = [dataset for dataset in catalog.datasets(session) if dataset.series]
    widest = max(datasets, key=lambda dataset: dataset.series, default=None)
    published = open_run(session, catalogs, query.dataset or (widest.id if widest else ""), query.run)
    flow, spans = query.flow or published.flows[0], periods_of(published)
    span = read_label(query.period, spans)
    grid = _grid(published, catalogs, flow, span, query.measure)
    partners = sorted_partners(
        grid,
        published,
        partners_shown(published, query.which, query.q),
        sort=query.sort,
        descending=query.order == "down",
        by_size=query.sort == "size",
    )
    panels = tuple(code for code in partners if is_country(code))[:PANELS] or tuple(partners[:PANELS])
    sections = [
        heat_map_section(published, grid, flow, partners, query.measure),
        _multiples(published, catalogs, flow, panels),
    ]
    address = links.absolute(request.base_url, links.heat_map(published.dataset.id, run=published.run.id))
    return page(
        request,
        "heatmap.html",
        title="Partners and sectors",
        sections=sections,
        query=query,
        published=published,
        flow=flow,
        span=span,
        datasets=[(dataset.id, dataset.id) for dataset in datasets],
        flows=[(code, formatting.FLOW_NAMES[code].capitalize()) for code in published.flows if code != "B"],
        periods=[(period.label, span_name(period)) for period in spans],
        measures=list(MEASURES.items()),
        citation=citation(published, "partners and sectors", address),
    )


def _grid(published: PublishedRun, catalogs: CatalogCache, flow: str, span: Period, measure: Measure) -> Grid:
    """The grid of a run, cached because a published run cannot change."""
    key = ("grid", published.run.id, flow, span.label, measure)
    grid: Grid = catalogs.answers.get(key, partial(read_grid, published, flow, span, measure))
    return grid


def _multiples(published: PublishedRun, catalogs: CatalogCache, flow: str, shown: Sequence[str]) -> Section:
    key = ("multiples", published.run.id, flow, shown)
    section: Section = catalogs.answers.get(key, partial(multiples_section, published, flow, shown))
    return section
