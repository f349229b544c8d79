"""Partners and sectors: where growth is expected and what it adds to the total, as a heat map and small multiples."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup
from pydantic import Field

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.pages.rendering import PageQuery, PageRoute, page
from forecasting.analysis.periods import Period
from presentation import formatting
from presentation.charts.heat_map import class_of, heat_map, small_multiples
from presentation.sections.partner_sector_grid import (
    EDGES,
    Grid,
    Measure,
    Which,
    is_country,
    multiples,
    partners_shown,
    periods_of,
    read_grid,
    read_label,
    sectors_of,
    short_name,
    sorted_partners,
)
from presentation.sections.section import Column, Section, figure, text
from services.parameters import Code, RunId
from services.published_run import PublishedRun, citation, open_run
from store.models import TOTAL_SECTOR
from store.queries import catalog

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
PANELS = 12
MEASURES: dict[Measure, str] = {"pc1": "Growth on a year ago", "contribution": "Contribution to the total’s growth"}
SHOW = {"pc1": formatting.per_cent_change, "contribution": formatting.points}


class HeatmapQuery(PageQuery):
    """Which partners, over which period, in what order."""

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
    """The partners and sectors of one run."""
    found = [one for one in catalog.datasets(session) if one.series]
    widest = max(found, key=lambda one: one.series, default=None)
    desk = open_run(session, catalogs, query.dataset or (widest.id if widest else ""), query.run)
    flow, spans = query.flow or desk.flows[0], periods_of(desk)
    span = read_label(query.period, spans)
    key = ("grid", desk.run.id, flow, span.label, query.measure)
    grid: Grid | None = catalogs.answers.get(key)
    if grid is None:
        grid = read_grid(desk, flow, span, query.measure)
        catalogs.answers.put(key, grid)
    partners = sorted_partners(
        grid,
        desk,
        partners_shown(desk, query.which, query.q),
        sort=query.sort,
        descending=query.order == "down",
        by_size=query.sort == "size",
    )
    shown = tuple(code for code in partners if is_country(code))[:PANELS] or tuple(partners[:PANELS])
    few = catalogs.answers.get(("multiples", desk.run.id, flow, shown))
    if few is None:
        few = _multiples(desk, flow, shown)
        catalogs.answers.put(("multiples", desk.run.id, flow, shown), few)
    blocks = [_heat(desk, grid, flow, partners, query), few]
    base = str(request.base_url).rstrip("/")
    return page(
        request,
        "heatmap.html",
        title="Partners and sectors",
        blocks=blocks,
        query=query,
        asked=query,
        desk=desk,
        flow=flow,
        span=span,
        measure=MEASURES[query.measure],
        datasets=[(one.id, one.id) for one in found],
        flows=[(each, formatting.FLOW_NAMES[each].capitalize()) for each in desk.flows if each != "B"],
        periods=[(each.label, _period_words(each)) for each in spans],
        measures=list(MEASURES.items()),
        period_words=_period_words(span),
        citation=citation(desk, "partners and sectors", f"{base}/heatmap?dataset={desk.dataset.id}&run={desk.run.id}"),
    )


def _period_words(span: Period) -> str:
    if span.kind == "year":
        return span.label
    return f"{formatting.count_of(span.months, 'month')} to {formatting.month_name(span.label.split('/')[-1])}"


def _heat(desk: PublishedRun, grid: Grid, flow: str, partners: Sequence[str], query: HeatmapQuery) -> Section:
    sectors, show, edges = sectors_of(desk), SHOW[query.measure], EDGES[query.measure]
    rows, marks = [], []
    for code in partners:
        row: dict[str, Any] = {"code": code, "partner": short_name(desk, code)}
        for sector in sectors:
            cell = grid.cells.get((code, sector))
            if cell is None or cell.value is None:
                continue
            shade = class_of(cell.value, edges)
            row |= {sector: cell.value, f"{sector}_lo": cell.lo, f"{sector}_hi": cell.hi}
            row[f"{sector}_shade"] = shade
            row[f"{sector}_href"] = f"/series/{desk.dataset.id}/{flow}/{code}/{sector}?run={desk.run.id}"
            name = desk.catalog.sectors[sector]
            marks.append({"partner": row["partner"], "sector": name, "shade": shade, "text": show(cell.value)})
        size = grid.cells.get((code, TOTAL_SECTOR))
        rows.append({**row, "size": None if size is None else size.level})
    names = [desk.catalog.sectors[sector] for sector in sectors]
    spec = heat_map(marks, partners=[row["partner"] for row in rows], sectors=names)
    return Section(
        name="heat",
        title=f"{MEASURES[query.measure]}, {_period_words(grid.span)}",
        columns=_columns(desk, sectors, show),
        rows=rows,
        spec=spec,
        drawn=False,
        note="Medians. Blue grows, orange falls; each cell leads to its series. The file adds 80 % intervals.",
        api=f"/v1/runs/{desk.run.id}/forecasts?flow={flow}{_partners(desk, partners)}&period={grid.span.label}"
        f"&units={query.measure}&level=80",
    )


def _columns(desk: PublishedRun, sectors: Sequence[str], show: Any) -> list[Column]:
    bounds = [
        figure(f"{sector}_{side}", f"{desk.catalog.sectors[sector]}, 80 % {word}", show)
        for sector in sectors
        for side, word in (("lo", "from"), ("hi", "to"))
    ]
    return [
        text("partner", "Partner"),
        text("code", "Code"),
        figure("size", f"Expected ({desk.unit})", lambda value: formatting.money(value, desk.unit)),
        *(_cell_column(sector, desk.catalog.sectors[sector], show) for sector in sectors),
        *bounds,
    ]


def _cell_column(sector: str, name: str, show: Any) -> Column:
    def cell(row: dict[str, Any]) -> str:
        if sector not in row:
            return formatting.NOTHING
        told = f"{show(row[f'{sector}_lo'])} to {show(row[f'{sector}_hi'])}"
        link = Markup('<a class="h{}" href="{}" title="80 %: {}">{}</a>')
        return link.format(row[f"{sector}_shade"], row[f"{sector}_href"], told, show(row[sector]))

    return Column(sector, name, cell)


def _multiples(desk: PublishedRun, flow: str, shown: Sequence[str]) -> Section:
    rows = multiples(desk, flow, TOTAL_SECTOR, shown)
    show = formatting.money
    return Section(
        name="multiples",
        title=f"{formatting.FLOW_NAMES[flow].capitalize()} by month, the first {len(shown)} of these",
        columns=[
            text("partner", "Partner"),
            text("month", "Month", formatting.month_name),
            figure("value", f"Observed ({desk.unit})", lambda value: show(value, desk.unit)),
            figure("median", f"Expected ({desk.unit})", lambda value: show(value, desk.unit)),
            figure("lo", "80 % from", lambda value: show(value, desk.unit)),
            figure("hi", "80 % to", lambda value: show(value, desk.unit)),
        ],
        rows=rows,
        spec=small_multiples(rows, order=[short_name(desk, code) for code in shown]) if rows else None,
        note=f"{desk.unit}, each on a scale of its own. Black: observed; blue: expected, with its 80 % interval.",
        open=False,
        api=f"/v1/runs/{desk.run.id}/forecasts?flow={flow}{_partners(desk, shown)}&sector={TOTAL_SECTOR}&level=80",
    )


def _partners(desk: PublishedRun, codes: Sequence[str]) -> str:
    """The partners shown, as the API is asked for them; none where they are all the single ones."""
    return "" if not codes or set(codes) == set(desk.catalog.codes[1]) else f"&partner={','.join(codes)}"
