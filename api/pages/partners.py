"""Partners: who contributes to growth, observed and expected, and who takes whose place."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from forecasting.analysis.periods import Period
from forecasting.data.months import MONTHS_PER_YEAR
from presentation import formatting, links
from presentation.sections.contributions import contribution_section, growth_sentence
from services.contributions import ContributionAnswer, read_contributions
from services.parameters import Code, RunId
from services.published_run import PublishedRun, citation, open_run
from services.queries.contributions import ContributionQuery
from store.queries import catalog
from store.queries.catalog import DatasetRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.partners(), "Partners")
PREFERRED = "CN_PARTNERS"


class PartnersQuery(PageQuery):
    """The dataset, the run and the flow."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M"] | None = None


@router.get("/partners")
def read_partners(
    query: Annotated[PartnersQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """Contributions of partners to growth: the last 12 months observed, and up to 12 months expected."""
    datasets = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    published = open_run(session, catalogs, query.dataset or widest_dataset(catalog.datasets(session)), query.run)
    flow = query.flow or published.flows[0]
    last, ahead = published.last, min(MONTHS_PER_YEAR, published.run.horizon)
    observed = _compare(published, flow, Period(last - MONTHS_PER_YEAR + 1, last, "span"))
    expected = _compare(published, flow, Period(last + 1, last + ahead, "span"))
    path = links.partners(published.dataset.id, flow=flow, run=published.run.id)
    return page(
        request,
        "partners.html",
        title="Partners",
        sections=[contribution_section(published, observed, expected, flow)],
        query=query,
        published=published,
        flow=flow,
        sentence=growth_sentence(observed, expected, flow),
        datasets=[(code, code) for code in datasets],
        flows=[(code, formatting.FLOW_NAMES[code].capitalize()) for code in published.flows if code != "B"],
        citation=citation(published, "contributions by partner", links.absolute(request.base_url, path)),
    )


def _compare(published: PublishedRun, flow: str, period: Period) -> ContributionAnswer:
    query = ContributionQuery.model_validate({"flow": flow, "period": period.label, "level": [80.0]})
    return read_contributions(published.session, published.run, published.catalog, query)


def widest_dataset(datasets: list[DatasetRecord]) -> str:
    """The partner dataset where it is there, else the one with most series."""
    codes = [dataset.id for dataset in datasets if dataset.series]
    if PREFERRED in codes:
        return PREFERRED
    return max((dataset for dataset in datasets), key=lambda dataset: dataset.series).id if datasets else ""
