"""Series: a searchable list, and the page of one series in levels, growth or shares by month, quarter or year."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page, stale_of
from api.rest.path_parameters import DatasetPath
from forecasting.data.months import format_month
from presentation import formatting, links
from presentation.sections.probability import offered_sentence, series_choices
from presentation.sections.section import Section, link, text
from presentation.sections.series import SeriesView, series_sections, whole_of
from presentation.sections.verdict import verdict
from services.backtests.backtest_summary import read_scores, read_short_scores
from services.errors import Unanswerable
from services.forecasts.event_probability import periods_offered
from services.forecasts.forecasts import statuses_of
from services.parameters import CODE, Code, Month, RunId
from services.runs.published_run import PublishedRun, citation, month_of, open_run
from services.series.series_catalog import BALANCE
from store.models import ResolvedSeries
from store.queries import catalog
from store.queries.catalog import DatasetRecord, SeriesPage

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.series_list(), "Series")
FREQUENCIES = (("M", "Month"), ("Q", "Quarter"), ("A", "Year"))
UNIT_NAMES = {"lin": "Level", "pc1": "Growth on a year ago", "share": "Share"}
HISTORY_YEARS = ((5, "5 years"), (10, "10 years"), (0, "All"))
LISTED = 200
CodePath = Annotated[str, Path(pattern=CODE)]


class SeriesPageQuery(PageQuery):
    """The run, by default the latest, and the view of a series."""

    run: RunId | None = None
    frequency: Literal["M", "Q", "A"] = "M"
    units: Literal["lin", "pc1", "share"] = "lin"
    years: int = Field(default=5, ge=0, le=100)
    forecasters: Literal["hide", "show"] = "hide"
    made: Month | None = Field(default=None, description="Show the past forecast made with data to this month.")


class SeriesListQuery(PageQuery):
    """A search in the list of series, or the codes of one series."""

    dataset: Code | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    q: str = Field(default="", max_length=80, pattern=r"^[^\x00-\x1f]*$")


@router.get("/series")
def read_series_list(query: Annotated[SeriesListQuery, Query()], request: Request, session: SessionDep) -> Response:
    """The list of series, or a redirection to one series where all its codes are given."""
    if query.dataset and query.flow and query.partner and query.sector:
        unique_id = f"{query.dataset}.{query.flow}.{query.partner}.{query.sector}"
        return RedirectResponse(links.series_page(unique_id), 303)
    datasets = [dataset for dataset in catalog.datasets(session) if dataset.series]
    wanted = [dataset for dataset in datasets if query.dataset in (None, dataset.id)]
    sections = [
        _list_section(dataset, catalog.series(session, dataset.id, q=query.q or None, limit=LISTED), query.q)
        for dataset in wanted
    ]
    return page(
        request,
        "series_list.html",
        title="Series",
        sections=sections,
        query=query,
        datasets=datasets,
        stale=stale_of(request, session, wanted),
    )


def _list_section(dataset: DatasetRecord, found: SeriesPage, q: str) -> Section:
    rows = [
        {
            "series": series.unique_id,
            "href": links.series_page(series.unique_id),
            "flow": formatting.FLOW_NAMES[series.flow],
            "partner": series.partner_name,
            "sector": series.sector_name,
        }
        for series in found.rows
    ]
    return Section(
        name=f"series-{dataset.id.lower()}",
        title=f"{dataset.title}: {formatting.count_of(found.total, 'series', 'series')}",
        columns=[link("series", "Series"), text("flow", "Flow"), text("partner", "Partner"), text("sector", "Sector")],
        rows=rows,
        api=links.api_series(dataset.id, limit=LISTED, q=q or None),
    )


@router.get("/series/{dataset}/{flow}/{partner}/{sector}")
def read_series_page(
    dataset: DatasetPath,
    flow: Literal["X", "M", "B"],
    partner: CodePath,
    sector: CodePath,
    query: Annotated[SeriesPageQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """One series of the latest run, or of the run of a permalink."""
    published = open_run(session, catalogs, dataset, query.run)
    series = published.choose(flow, partner, sector)
    view = SeriesView(query.units, query.frequency, query.years, query.forecasters == "show", format_month(query.made))
    sections, slider = series_sections(published, series, view)
    permalink = links.absolute(request.base_url, links.series_page(series.unique_id, run=published.run.id))
    name = published.name(series)
    return page(
        request,
        "series.html",
        title=name,
        sections=sections,
        query=query,
        published=published,
        series=series,
        whole=formatting.inside_sentence(published.name(whole_of(published, series))) if query.units == "share" else "",
        permalink=permalink,
        citation=citation(published, name, permalink),
        frequencies=FREQUENCIES,
        units=_units(published, series),
        history_years=HISTORY_YEARS,
        slider=slider,
        choices=series_choices(published),
        verdict=_verdict(published, series),
        series_status=statuses_of(published.statuses, [series]).get(series.unique_id, ""),
        ask_periods=[
            (period.label, offered_sentence(period))
            for period in periods_offered(published, month_of(options.now().date()))
        ],
    )


def _verdict(published: PublishedRun, series: ResolvedSeries) -> str:
    """The verdict on the monthly backtest; of a group, whose scores take a second, on its own page only."""
    if not series.derived:
        return verdict(read_short_scores(published, series, "month"), kind="month", unit=published.unit_of(series))
    if series.flow == BALANCE and len(series.parts) == 2:
        return verdict(read_scores(published, [series], "month"), kind="month", unit=published.unit_of(series))
    return ""


def _units(published: PublishedRun, series: ResolvedSeries) -> list[tuple[str, str]]:
    """Units to choose from; a share only where there is a whole."""
    try:
        has_whole = whole_of(published, series) != series
    except Unanswerable:
        has_whole = False
    return [(code, name) for code, name in UNIT_NAMES.items() if code != "share" or has_whole]
