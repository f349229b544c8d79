"""Sections of partners and sectors: the heat map table and small multiples by partner."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from forecasting.analysis.periods import Period
from presentation import formatting, links
from presentation.charts.heat_map import class_of, heat_map, small_multiples
from presentation.sections.partner_sector_grid import EDGES, Grid, Measure, multiples, sectors_of
from presentation.sections.section import Column, Section, figure, text
from services.runs.published_run import PublishedRun
from store.models import TOTAL_SECTOR

MEASURES: dict[Measure, str] = {"pc1": "Growth on a year ago", "contribution": "Contribution to the total’s growth"}
FORMATTERS: dict[Measure, Callable[[Any], str]] = {"pc1": formatting.per_cent_change, "contribution": formatting.points}


def heat_map_section(
    published: PublishedRun, grid: Grid, flow: str, partners: Sequence[str], measure: Measure
) -> Section:
    """The table of partners by sectors, with the heat map as a downloadable chart."""
    sectors, show = sectors_of(published), FORMATTERS[measure]
    rows, marks = [], []
    for code in partners:
        row: dict[str, Any] = {"code": code, "partner": published.partner_label(code)}
        for sector in sectors:
            cell = grid.cells.get((code, sector))
            if cell is None or cell.value is None:
                continue
            shade = class_of(cell.value, EDGES[measure])
            row |= {sector: cell.value, f"{sector}_lo": cell.lo, f"{sector}_hi": cell.hi, f"{sector}_shade": shade}
            unique_id = f"{published.dataset.id}.{flow}.{code}.{sector}"
            row[f"{sector}_href"] = links.series_page(unique_id, run=published.run.id)
            name = published.catalog.sectors[sector]
            marks.append({"partner": row["partner"], "sector": name, "shade": shade, "text": show(cell.value)})
        size = grid.cells.get((code, TOTAL_SECTOR))
        rows.append({**row, "size": None if size is None else size.level})
    names = [published.catalog.sectors[sector] for sector in sectors]
    return Section(
        name="heat",
        title=f"{MEASURES[measure]}, {span_name(grid.span)}",
        columns=_columns(published, sectors, show),
        rows=rows,
        spec=heat_map(marks, partners=[row["partner"] for row in rows], sectors=names),
        drawn=False,
        note="Medians. Blue: growth; orange: decline. Each cell links to its series; downloads add 80 % intervals.",
        api=links.api_forecasts(
            published.run.id,
            flow=flow,
            partner=_partners(published, partners),
            period=grid.span.label,
            units=measure,
            level=80,
        ),
    )


def multiples_section(published: PublishedRun, flow: str, shown: Sequence[str]) -> Section:
    """Small fan charts of some partners."""
    rows = multiples(published, flow, TOTAL_SECTOR, shown)
    show = formatting.money
    count = formatting.count_of(len(shown), "partner")
    return Section(
        name="multiples",
        title=f"{formatting.FLOW_NAMES[flow].capitalize()} by month, {count} in the order of the table",
        columns=[
            text("partner", "Partner"),
            text("month", "Month", formatting.month_name),
            figure("value", f"Observed ({published.unit})", lambda value: show(value, published.unit)),
            figure("median", f"Forecast ({published.unit})", lambda value: show(value, published.unit)),
            figure("lo", "80 % from", lambda value: show(value, published.unit)),
            figure("hi", "80 % to", lambda value: show(value, published.unit)),
        ],
        rows=rows,
        spec=small_multiples(rows, order=[published.partner_label(code) for code in shown], unit=published.unit)
        if rows
        else None,
        note=f"{published.unit}; scales differ between panels. Blue: forecast with its 80 % interval.",
        open=False,
        api=links.api_forecasts(
            published.run.id, flow=flow, partner=_partners(published, shown), sector=TOTAL_SECTOR, level=80
        ),
    )


def span_name(span: Period) -> str:
    """The name of a period: 2026, or 12 months to July 2027."""
    if span.kind == "year":
        return span.label
    return f"{formatting.count_of(span.months, 'month')} to {formatting.month_name(span.label.split('/')[-1])}"


def _columns(published: PublishedRun, sectors: Sequence[str], show: Callable[[Any], str]) -> list[Column]:
    bounds = [
        figure(f"{sector}_{side}", f"{published.catalog.sectors[sector]}, 80 % {bound}", show)
        for sector in sectors
        for side, bound in (("lo", "from"), ("hi", "to"))
    ]
    return [
        text("partner", "Partner"),
        text("code", "Code"),
        figure("size", f"Forecast ({published.unit})", lambda value: formatting.money(value, published.unit)),
        *(_cell_column(sector, published.catalog.sectors[sector], show) for sector in sectors),
        *bounds,
    ]


def _cell_column(sector: str, name: str, show: Callable[[Any], str]) -> Column:
    def cell(row: dict[str, Any]) -> str:
        if sector not in row:
            return formatting.NOTHING
        interval = f"{show(row[f'{sector}_lo'])} to {show(row[f'{sector}_hi'])}"
        anchor = Markup('<a class="h{}" href="{}" title="80 %: {}">{}</a>')
        return anchor.format(row[f"{sector}_shade"], row[f"{sector}_href"], interval, show(row[sector]))

    return Column(sector, name, cell)


def _partners(published: PublishedRun, codes: Sequence[str]) -> Sequence[str] | None:
    """The partner parameter of the API; None where all single partners are shown."""
    return None if not codes or set(codes) == set(published.catalog.codes[1]) else codes
