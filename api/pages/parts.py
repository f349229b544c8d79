"""A series taken apart as Prophet does: trend, season and calendar, from what the run knew of it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from api import wording
from api.blocks import Block, figure, in_unit, text
from api.charts.parts import components
from api.pages.reading import Desk, iso_day
from api.selection import Chosen
from forecasting.answers import Outlook
from forecasting.spans import month_text

if TYPE_CHECKING:
    from forecasting.components import Components

NOTE = (
    "Prophet’s model of the logarithm, fitted to what the run knew: a piecewise linear trend, the season of the year, "
    "and the calendar (Lunar New Year, working days). Blue lies ahead. It describes the series; the forecast above is "
    "the combination’s."
)


def component_blocks(desk: Desk, one: Chosen, outlook: Outlook) -> list[Block]:
    """The components of a series of positive values that is long enough, else nothing."""
    # Calendars and linear algebra take a while to load, and most pages need neither.
    from forecasting.calendar import calendar_regressors  # noqa: PLC0415
    from forecasting.components import SHORTEST, take_apart  # noqa: PLC0415

    known = np.flatnonzero(~(outlook.observed > 0))
    first = int(known[-1]) + 1 if len(known) else 0
    y = outlook.observed[first:]
    if len(y) < SHORTEST or one.flow == "B":
        return []
    begins = outlook.start + first
    months = np.datetime64(month_text(begins), "M") + np.arange(len(y) + desk.run.horizon)
    parts = take_apart(y, months, calendar_regressors(months, desk.dataset.reporter))
    rows = _rows(parts, begins, len(y))
    titles = {"trend": f"Trend ({desk.unit})", "season": "Season (per cent)", "calendar": "Calendar (per cent)"}
    marks = [
        {"component": title, "month": iso_day(row["number"]), "value": row[name], "ahead": row["ahead"]}
        for name, title in titles.items()
        for row in rows
    ]
    return [
        Block(
            name="components",
            title="Trend, season, calendar",
            columns=[
                text("month", "Month", wording.month_name),
                figure("trend", titles["trend"], in_unit(desk.unit)),
                figure("season", titles["season"], wording.per_cent_change),
                figure("calendar", titles["calendar"], wording.per_cent_change),
                figure("rest", "Rest (per cent)", wording.per_cent_change),
            ],
            rows=rows[::-1],
            spec=components(marks, order=list(titles.values())),
            note=NOTE,
            open=False,
        )
    ]


def _rows(parts: "Components", begins: int, n: int) -> list[dict[str, Any]]:
    return [
        {
            "number": begins + place,
            "month": month_text(begins + place),
            "ahead": place >= n,
            "trend": float(parts.trend[place]),
            "season": 100 * float(parts.season[place]),
            "calendar": 100 * float(parts.calendar[place]),
            "rest": 100 * float(parts.rest[place]) if place < n else None,
        }
        for place in range(len(parts.trend))
    ]
