"""Partners: who contributes to growth, observed and expected, and who takes whose place; the same for commodities."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import formatting, links
from presentation.sections.contributions import contribution_section, growth_sentence, slope_section
from presentation.sections.section import Section
from presentation.sections.substitution import substitution_section
from services.errors import NothingToCompare, NothingToConcentrate
from services.parameters import Code, RunId
from services.partners.partner_changes import Changes, PartFacts, Spans, read_changes, read_facts, read_replacement
from services.runs.published_run import PublishedRun, citation, open_partner_run, partner_datasets
from services.series.catalog_cache import CatalogCache
from store.errors import UnknownSeries

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.partners(), "Partners")
SPANS = (("month", "Month"), ("quarter", "Quarter"), ("year", "Year"), ("rolling", "12 months"))
DIMENSIONS = (("partner", "Partners"), ("sector", "Commodities"))


class PartnersQuery(PageQuery):
    """The dataset, the run, the dimension, the flow, the windows, and the partner whose place was taken."""

    dataset: Code | None = None
    run: RunId | None = None
    by: Literal["partner", "sector"] | None = None
    flow: Literal["X", "M", "B"] | None = None
    spans: Spans = "rolling"
    partner: Code | None = None


@router.get("/partners")
def read_partners(
    query: Annotated[PartnersQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """Contributions of partners or commodities: the last window observed and the next expected."""
    published = open_partner_run(session, catalogs, query.dataset, query.run)
    flow, by = query.flow or published.flows[0], query.by or _dimension(published)
    try:
        changes, facts = _read(published, catalogs, by, flow, query.spans)
    except (NothingToCompare, NothingToConcentrate, UnknownSeries) as error:
        sections, sentence = [], f"No comparison: {error}."
    else:
        sections = _sections(published, changes, facts, query, by, flow)
        sentence = growth_sentence(published, changes, flow)
    path = links.partners(published.dataset.id, by=by, flow=flow, spans=query.spans, run=published.run.id)
    return page(
        request,
        "partners.html",
        title="Partners",
        sections=sections,
        query=query,
        published=published,
        flow=flow,
        by=by,
        sentence=sentence,
        datasets=[(code, code) for code in partner_datasets(session)],
        flows=[(code, formatting.FLOW_NAMES[code].capitalize()) for code in published.flows],
        spans=SPANS,
        dimensions=_dimensions(published),
        citation=citation(published, f"contributions by {by}", links.absolute(request.base_url, path)),
    )


def _read(
    published: PublishedRun, catalogs: CatalogCache, by: str, flow: str, spans: Spans
) -> tuple[Changes, dict[str, PartFacts]]:
    """Changes and facts of a run, cached because a published run cannot change."""

    def read() -> tuple[Changes, dict[str, PartFacts]]:
        changes = read_changes(published, by=by, flow=flow, spans=spans)
        return changes, read_facts(published, changes, by=by, flow=flow)

    found: tuple[Changes, dict[str, PartFacts]]
    found = catalogs.answers.get(("partners", published.run.id, by, flow, spans), read)
    return found


def _sections(
    published: PublishedRun,
    changes: Changes,
    facts: Mapping[str, PartFacts],
    query: PartnersQuery,
    by: str,
    flow: str,
) -> list[Section]:
    found = [
        contribution_section(published, changes, facts, by=by, flow=flow, spans=query.spans),
        slope_section(published, changes, by=by, flow=flow),
    ]
    if by == "partner":
        windows = read_replacement(published, flow, query.spans, query.partner)
        found.append(substitution_section(published, windows, flow))
    return [section for section in found if section is not None]


def _dimensions(published: PublishedRun) -> list[tuple[str, str]]:
    """The dimensions that the dataset has more than one code of."""
    several = {"partner": len(published.catalog.codes[1]) > 1, "sector": len(published.catalog.valued) > 1}
    return [(code, name) for code, name in DIMENSIONS if several[code]]


def _dimension(published: PublishedRun) -> str:
    return next((code for code, _ in _dimensions(published)), "partner")
