"""One series: its past and its fan, in levels, growth or shares, by month, quarter or year."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.pages.rendering import PageQuery, PageRoute, page
from api.rest.path_parameters import DatasetPath
from forecasting.analysis.period_draws import SeriesPaths
from presentation import formatting
from presentation.charts.fan import fan
from presentation.sections.decomposition import component_blocks
from presentation.sections.forecast import LEVELS, NOTE, expected_columns, with_tooltips
from presentation.sections.section import Section, figure, in_unit, link, text
from services.errors import NoWhole, ShareOfBalance, Unanswerable
from services.forecast_history import Row, earlier_rows, expected_rows, forecaster_rows, history_start, observed_rows
from services.parameters import CODE, Code, RunId
from services.period_summary import unit_in_words
from services.published_run import PublishedRun, citation, codes, open_run
from services.series_catalog import BALANCE
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog
from store.queries.catalog import DatasetRecord, SeriesPage

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
PERIOD = text("period", "Period", formatting.period_name)
LINES = {
    "forecasters": (
        "What each forecaster says",
        [PERIOD, text("forecaster", "Forecaster")],
        "The forecasters that the combination is made of, each by itself, before the parts are made to add up.",
    ),
    "earlier": (
        "What was expected before",
        [text("made", "Said after", formatting.month_name), PERIOD],
        "The dashed grey lines of the chart.",
    ),
}
FREQUENCIES = (("M", "Month"), ("Q", "Quarter"), ("A", "Year"))
UNIT_NAMES = {"lin": "Level", "pc1": "Growth on a year ago", "share": "Share"}
SPANS = ((5, "5 years"), (10, "10 years"), (0, "All"))
LISTED = 200
CodePath = Annotated[str, Path(pattern=CODE)]


class SeriesPageQuery(PageQuery):
    """How a series is shown, and of which run; without it the latest."""

    run: RunId | None = None
    frequency: Literal["M", "Q", "A"] = "M"
    units: Literal["lin", "pc1", "share"] = "lin"
    years: int = Field(default=5, ge=0, le=100)
    forecasters: Literal["hide", "show"] = "hide"


class SeriesListQuery(PageQuery):
    """Which series are listed, or which one is looked for."""

    dataset: Code | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    q: str = Field(default="", max_length=80, pattern=r"^[^\x00-\x1f]*$")


@router.get("/series")
def read_series_list(query: Annotated[SeriesListQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Series to choose from; straight to one where it is named in full."""
    if query.dataset and query.flow and query.partner and query.sector:
        return RedirectResponse(f"/series/{query.dataset}/{query.flow}/{query.partner}/{query.sector}", 303)
    datasets = [one for one in catalog.datasets(session) if one.series]
    wanted = [one for one in datasets if query.dataset in (None, one.id)]
    found = [catalog.series(session, one.id, q=query.q or None, limit=LISTED) for one in wanted]
    blocks = [_list_block(one, each, query.q) for one, each in zip(wanted, found, strict=True)]
    return page(request, "series_list.html", title="Series", blocks=blocks, query=query, asked=query, datasets=datasets)


def _list_block(dataset: DatasetRecord, found: SeriesPage, q: str) -> Section:
    """A dataset's series."""
    rows = [
        {
            "series": one.unique_id,
            "href": f"/series/{one.unique_id.replace('.', '/')}",
            "flow": formatting.FLOW_NAMES[one.flow],
            "partner": one.partner_name,
            "sector": one.sector_name,
        }
        for one in found.rows
    ]
    searched = f"&{urlencode({'q': q})}" if q else ""
    return Section(
        name=f"series-{dataset.id.lower()}",
        title=f"{dataset.title}: {formatting.count_of(found.total, 'series', 'series')}",
        columns=[link("series", "Series"), text("flow", "Flow"), text("partner", "Partner"), text("sector", "Sector")],
        rows=rows,
        api=f"/v1/datasets/{dataset.id}/series?limit={LISTED}{searched}",
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
    catalogs: CatalogCacheDep,
) -> Response:
    """One series of the latest run, or of the run that the permalink names."""
    desk = open_run(session, catalogs, dataset, query.run)
    one = desk.choose(flow, partner, sector)
    blocks, whole = series_blocks(desk, one, query)
    path = f"/series/{dataset}/{flow}/{partner}/{sector}"
    permalink = f"{request.base_url}".rstrip("/") + f"{path}?run={desk.run.id}"
    return page(
        request,
        "series.html",
        title=desk.name(one),
        blocks=blocks,
        query=query,
        desk=desk,
        one=one,
        asked=query,
        whole=whole,
        permalink=permalink,
        citation=citation(desk, desk.name(one), permalink),
        **_switches(desk, one),
        choices=_choices(desk),
    )


def series_blocks(desk: PublishedRun, one: ResolvedSeries, query: SeriesPageQuery) -> tuple[list[Section], str]:
    """The chart with its table, what was observed, what each forecaster says; and what a share is of."""
    whole = whole_of(desk, one) if query.units == "share" else None
    all_paths = desk.read_paths([one] if whole is None else [one, whole])
    series_paths, of = all_paths[0], all_paths[1] if whole else None
    unit = unit_in_words(query.units, desk.unit)
    observed = with_tooltips(observed_rows(series_paths, query.units, query.frequency, of), unit)
    expected = with_tooltips(expected_rows(series_paths, query.units, query.frequency, LEVELS, of), unit, LEVELS)
    earlier, by, others = _said(desk, one, series_paths, query)
    since = history_start(query.frequency, desk.last, query.years)
    spec = fan(
        [row for row in observed if row["month"] >= since],
        expected,
        unit=unit,
        levels=LEVELS,
        earlier=[row for row in earlier if row["month"] >= since],
        others=others,
    )
    blocks = [
        Section(
            name="forecast",
            title="What is expected",
            columns=expected_columns(unit, LEVELS),
            rows=expected,
            spec=spec,
            note=f"{NOTE} Dashed grey: what was expected before, by {by}." if earlier else NOTE,
            api=_api(desk, one, query),
        ),
        *([_lines_block(desk, one, "forecasters", others, unit, query)] if others else []),
        *([_lines_block(desk, one, "earlier", earlier, unit, query)] if earlier else []),
        *component_blocks(desk, one),
        _observed_block(desk, one, observed[::-1], unit),
    ]
    return blocks, "" if whole is None else desk.name(whole).lower()


def whole_of(desk: PublishedRun, one: ResolvedSeries) -> ResolvedSeries:
    """What a series is a share of: all partners, or all sectors where it is of all partners already.

    Raises ShareOfBalance, NoWhole.
    """
    if one.flow == BALANCE:
        raise ShareOfBalance(one.unique_id)
    of, sector = ("total", TOTAL_SECTOR) if one.partner == TOTAL_PARTNER else ("sector", one.sector)
    try:
        return desk.choose(one.flow, TOTAL_PARTNER, sector)
    except UnknownSeries as error:
        whole = f"{desk.dataset.id}.{one.flow}.{TOTAL_PARTNER}.{sector}"
        raise NoWhole(one.unique_id, whole, of) from error


def _said(
    desk: PublishedRun, one: ResolvedSeries, series_paths: SeriesPaths, query: SeriesPageQuery
) -> tuple[list[Row], str, list[Row]]:
    """What was said before, by whom, and what each forecaster says; of shares neither is known."""
    if query.units == "share":
        return [], "", []
    earlier, by = earlier_rows(desk, one, series_paths, query.units, query.frequency)
    if query.forecasters == "hide":
        return earlier, by, []
    others = forecaster_rows(desk, one, series_paths, query.units, query.frequency)
    return earlier, by, [{**row, "forecaster": row["forecaster"].replace("_", " ")} for row in others]


def _lines_block(
    desk: PublishedRun,
    one: ResolvedSeries,
    of: Literal["forecasters", "earlier"],
    rows: list[Row],
    unit: str,
    query: SeriesPageQuery,
) -> Section:
    """The chart's other lines as a table, closed at first."""
    title, columns, note = LINES[of]
    return Section(
        name=of,
        title=title,
        columns=[*columns, figure("value", f"Mean ({unit})", in_unit(unit))],
        rows=rows,
        open=False,
        note=note,
        api=_lines_api(desk, one, of, query),
    )


def _lines_api(desk: PublishedRun, one: ResolvedSeries, of: str, query: SeriesPageQuery) -> str:
    asked = f"&frequency={query.frequency}&units={query.units}"
    return f"/v1/runs/{desk.run.id}/lines?{codes(one)}&of={of}{asked}"


def _observed_block(desk: PublishedRun, one: ResolvedSeries, rows: list[Row], unit: str) -> Section:
    return Section(
        name="observed",
        title="What was observed",
        columns=[
            text("period", "Period", formatting.period_name),
            figure("value", f"Observed ({unit})", in_unit(unit)),
        ],
        rows=rows,
        open=False,
        note=f"As known on {formatting.day_name(desk.run.as_of)}, newest first.",
        api=f"/v1/datasets/{desk.dataset.id}/observations?{codes(one)}&as_of={desk.run.as_of}",
    )


def _api(desk: PublishedRun, one: ResolvedSeries, query: SeriesPageQuery) -> str:
    asked = "" if query.frequency == "M" else f"&frequency={query.frequency}"
    asked += "" if query.units == "lin" else f"&units={query.units}"
    if query.units == "share":
        asked += "&of=total" if one.partner == TOTAL_PARTNER else "&of=sector"
    return f"/v1/runs/{desk.run.id}/forecasts?{codes(one)}&level=50,80,95{asked}"


def _switches(desk: PublishedRun, one: ResolvedSeries) -> dict[str, Any]:
    try:
        shared = whole_of(desk, one) != one
    except Unanswerable:
        shared = False
    units = [(name, words) for name, words in UNIT_NAMES.items() if name != "share" or shared]
    return {"frequencies": FREQUENCIES, "units": units, "spans": SPANS}


def _choices(desk: PublishedRun) -> dict[str, list[tuple[str, str]]]:
    """What else the run holds, for the form."""
    _, partners, sectors = desk.catalog.codes
    names = {code: desk.catalog.partners[code].split(" (")[0] for code in [*partners, *desk.catalog.members]}
    # The world first, then groups, then countries by name.
    order = sorted(names, key=lambda code: (code != TOTAL_PARTNER, code not in desk.catalog.members, names[code]))
    return {
        "flow": [(flow, formatting.FLOW_NAMES[flow].capitalize()) for flow in desk.flows],
        "partner": [(code, names[code]) for code in order],
        "sector": [
            (code, desk.catalog.sectors[code]) for code in sorted(sectors, key=lambda code: code != TOTAL_SECTOR)
        ],
    }
