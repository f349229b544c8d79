"""Compare: the forecasts of one series in two runs of a dataset."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import formatting, links
from presentation.sections.comparison import comparison_sections, describe
from presentation.sections.probability import series_choices
from services.parameters import Code, RunId
from services.runs.published_run import citation, open_run
from services.runs.run_selection import published_run
from store.queries import catalog, runs

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.compare(), "Compare")
LISTED = 100


class CompareQuery(PageQuery):
    """Two runs, by default the latest two of a dataset, and the series."""

    dataset: Code | None = None
    runs: str | None = Field(default=None, pattern=r"^[0-9]{1,9},[0-9]{1,9}$")
    first: RunId | None = None
    second: RunId | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None


@router.get("/compare")
def read_compare_page(
    query: Annotated[CompareQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """The forecasts of two runs in one chart, their differences, and the attribution of the changes.

    Without two published runs, the page says so.
    """
    requested = [int(number) for number in query.runs.split(",")] if query.runs else [query.first, query.second]
    names = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    known = next((published_run(session, number).dataset_id for number in requested if number), None)
    dataset = known or query.dataset or next((name for name in names if name == "CN_TRADE"), names[0] if names else "")
    available = runs.page(session, dataset_id=dataset, status="published", limit=LISTED).rows
    latest = [run.id for run in available[:2]]
    if len(latest) < 2 and not all(requested):
        return page(request, "compare.html", title="Compare", query=query, dataset=dataset, published=None)
    numbers = sorted(number or latest[place] for number, place in zip(requested, (1, 0), strict=True))
    first, second = (open_run(session, catalogs, dataset, number) for number in numbers)
    main = second.main(query.flow or second.flows[0])
    series = second.choose(main.flow, query.partner or main.partner, query.sector or main.sector)
    name = second.name(series)
    address = links.compare(runs=numbers, **links.codes(series))
    return page(
        request,
        "compare.html",
        title="Compare",
        subject=name,
        sections=comparison_sections(first, second, series),
        query=query,
        published=second,
        series=series,
        first=first,
        second=second,
        summary=f"{name}: {describe(first)} and {describe(second)}.",
        options=[(run.id, f"{run.id}: {formatting.day_name(run.as_of)}") for run in available],
        choices=series_choices(second),
        citation=citation(
            second, f"{name}, comparison with run {first.run.id}", links.absolute(request.base_url, address)
        ),
    )
