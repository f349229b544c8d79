"""Forecast section of a series: the fan chart with observations, and the table of the forecast."""

from collections.abc import Sequence

from forecasting.analysis.period_draws import SeriesPaths
from presentation import formatting, links
from presentation.charts.fan import fan
from presentation.sections.events import mark_events, read_listed
from presentation.sections.section import Column, Section, figure, in_unit, interval_columns, text
from services.history.forecast_history import Row, forecast_rows, history_start, observed_rows
from services.runs.published_run import PublishedRun
from store.models import ResolvedSeries

LEVELS = (95.0, 80.0, 50.0)
BARS_NOTE = "Grey: observed. Blue: forecast (median). Vertical lines: 50, 80 and 95 % prediction intervals."
NOTE = "Observations and forecast (median, blue). Bands: 50, 80 and 95 % prediction intervals."


def monthly_fan(
    published: PublishedRun,
    series: ResolvedSeries,
    series_paths: SeriesPaths,
    *,
    name: str,
    years: int,
    open_: bool = True,
) -> Section:
    """The level of a series by month, with observations of the last `years`."""
    since = history_start("M", published.last, years)
    unit = published.unit_of(series)
    observed = with_tooltips(observed_rows(series_paths, "lin", "M", None), unit)
    rows = with_tooltips(forecast_rows(series_paths, "lin", "M", LEVELS, None), unit, LEVELS)
    seen = [row for row in observed if row["month"] >= since]
    marked = mark_events(read_listed(published, series), [*seen, *rows])
    return Section(
        name=name,
        title=f"{published.name(series)}, by month",
        columns=forecast_columns(published.unit_of(series), LEVELS),
        rows=rows,
        spec=fan(seen, rows, unit=unit, levels=LEVELS, events=marked.rows),
        note=f"{NOTE} {marked.note}".rstrip(),
        open=open_,
        api=links.api_forecasts(published.run.id, **links.codes(series), level=sorted(LEVELS)),
    )


def forecast_columns(unit: str, levels: Sequence[float]) -> list[Column]:
    """Columns of a forecast by period, with its intervals."""
    show = in_unit(unit)
    columns = [text("period", "Period", formatting.period_name), figure("median", f"Forecast ({unit})", show)]
    return [*columns, *interval_columns(levels, show)]


def with_tooltips(rows: Sequence[Row], unit: str, levels: Sequence[float] = ()) -> list[Row]:
    """Rows with the texts of their tooltips: the period, the value, and the bounds of each level."""
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
