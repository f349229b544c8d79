"""The fan of a series: its past, what is expected, and the table of it."""

from collections.abc import Sequence

from forecasting.analysis.period_draws import SeriesPaths
from presentation import formatting
from presentation.charts.fan import fan
from presentation.sections.section import Column, Section, figure, in_unit, interval_columns, text
from services.forecast_history import Row, expected_rows, history_start, observed_rows
from services.published_run import PublishedRun, codes
from store.models import ResolvedSeries

LEVELS = (95.0, 80.0, 50.0)
NOTE = "Observed in black, expected (the median) in blue; the shades hold what comes 50, 80 and 95 times in 100."


def monthly_fan(
    desk: PublishedRun, one: ResolvedSeries, series_paths: SeriesPaths, *, name: str, years: int, open_: bool = True
) -> Section:
    """The level of a series by month, after its last `years`."""
    since = history_start("M", desk.last, years)
    observed = with_tooltips(observed_rows(series_paths, "lin", "M", None), desk.unit)
    rows = with_tooltips(expected_rows(series_paths, "lin", "M", LEVELS, None), desk.unit, LEVELS)
    return Section(
        name=name,
        title=f"{desk.name(one)}, by month",
        columns=expected_columns(desk.unit, LEVELS),
        rows=rows,
        spec=fan([row for row in observed if row["month"] >= since], rows, unit=desk.unit, levels=LEVELS),
        note=NOTE,
        open=open_,
        api=f"/v1/runs/{desk.run.id}/forecasts?{codes(one)}&level=50,80,95",
    )


def expected_columns(unit: str, levels: Sequence[float]) -> list[Column]:
    """What is expected of each period, with its intervals."""
    show = in_unit(unit)
    columns = [text("period", "Period", formatting.period_name), figure("median", f"Expected ({unit})", show)]
    return [*columns, *interval_columns(levels, show)]


def with_tooltips(rows: Sequence[Row], unit: str, levels: Sequence[float] = ()) -> list[Row]:
    """Rows of a chart with the texts of their tooltips: the period, the value, and the bounds of each level."""
    show = in_unit(unit)
    return [
        {
            **row,
            "name": formatting.period_name(row["period"]),
            "tip": show(row["value"] if "value" in row else row["median"]),
            **{f"tip_{level:g}": f"{show(row[f'lo_{level:g}'])} to {show(row[f'hi_{level:g}'])}" for level in levels},
        }
        for row in rows
    ]
