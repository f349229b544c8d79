"""A series taken apart as Prophet does: trend, season and calendar, from what the run knew of it."""

from typing import Any

from presentation import formatting
from presentation.charts.decomposition import components as panels
from presentation.sections.section import Section, figure, in_unit, text
from services.decomposition import component_months
from services.published_run import PublishedRun, codes
from store.models import ResolvedSeries

NOTE = (
    "Prophet’s model of the logarithm, fitted to what the run knew: a piecewise linear trend, the season of the year, "
    "and the calendar (Lunar New Year, working days). Blue lies ahead. It describes the series; the forecast above is "
    "the combination’s."
)


def component_blocks(desk: PublishedRun, one: ResolvedSeries) -> list[Section]:
    """The components that the run stored of a series, else nothing."""
    rows = component_months(desk.session, desk.run, [one])[0]
    if not rows:
        return []
    titles = {"trend": f"Trend ({desk.unit})", "season": "Season (per cent)", "calendar": "Calendar (per cent)"}
    marks: list[dict[str, Any]] = [
        {"component": title, "month": f"{row['month']}-01", "value": row[name], "ahead": row["ahead"]}
        for name, title in titles.items()
        for row in rows
    ]
    return [
        Section(
            name="components",
            title="Trend, season, calendar",
            columns=[
                text("month", "Month", formatting.month_name),
                figure("trend", titles["trend"], in_unit(desk.unit)),
                figure("season", titles["season"], formatting.per_cent_change),
                figure("calendar", titles["calendar"], formatting.per_cent_change),
                figure("rest", "Rest (per cent)", formatting.per_cent_change),
            ],
            rows=rows[::-1],
            spec=panels(marks, order=list(titles.values())),
            note=NOTE,
            open=False,
            api=f"/v1/runs/{desk.run.id}/components?{codes(one)}",
        )
    ]
