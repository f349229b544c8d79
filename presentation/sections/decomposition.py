"""Decomposition section: Prophet's trend, season and calendar effects of a series."""

from typing import Any

from presentation import formatting, links
from presentation.charts.decomposition import components as panels
from presentation.sections.events import mark_events, read_listed
from presentation.sections.section import Section, figure, in_unit, text
from services.runs.published_run import PublishedRun
from services.series.decomposition import component_months
from store.models import ResolvedSeries

NOTE = (
    "Prophet’s model of the logarithm, fitted to the data of the run: piecewise linear trend, yearly season, and "
    "calendar effects (Lunar New Year, working days). Blue: forecast months. The decomposition describes the series; "
    "the forecast above comes from the combination."
)


def component_sections(published: PublishedRun, series: ResolvedSeries) -> list[Section]:
    """The decomposition of a series, where the run stored one."""
    rows = component_months(published.session, published.run, [series])[0]
    if not rows:
        return []
    titles = {
        "trend": f"Trend ({published.unit_of(series)})",
        "season": "Season (per cent)",
        "calendar": "Calendar (per cent)",
    }
    marks: list[dict[str, Any]] = [
        {"component": title, "month": f"{row['month']}-01", "value": row[name], "ahead": row["ahead"]}
        for name, title in titles.items()
        for row in rows
    ]
    months = [{"month": f"{row['month']}-01", "name": row["month"]} for row in rows]
    marked = mark_events(read_listed(published, series), months)
    return [
        Section(
            name="components",
            title="Trend, season, calendar",
            columns=[
                text("month", "Month", formatting.month_name),
                figure("trend", titles["trend"], in_unit(published.unit_of(series))),
                figure("season", titles["season"], formatting.per_cent_change),
                figure("calendar", titles["calendar"], formatting.per_cent_change),
                figure("rest", "Residual (per cent)", formatting.per_cent_change),
            ],
            rows=rows[::-1],
            spec=panels(marks, order=list(titles.values()), events=marked.rows),
            note=f"{NOTE} {marked.note}".rstrip(),
            open=False,
            api=links.api_decomposition(published.run.id, **links.codes(series)),
        )
    ]
