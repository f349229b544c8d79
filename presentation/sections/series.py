"""Sections of the page of one series: forecast, forecasters, earlier forecasts, decomposition, observations."""

from dataclasses import dataclass
from typing import Any, Literal

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.analysis.periods import parse_period
from presentation import formatting, links
from presentation.charts.fan import fan
from presentation.charts.period_bars import period_bars
from presentation.sections.decomposition import component_sections
from presentation.sections.events import events_section, mark_events, read_listed
from presentation.sections.forecast import BARS_NOTE, LEVELS, NOTE, forecast_columns, with_tooltips
from presentation.sections.nowcast import nowcast_sections
from presentation.sections.past_forecasts import Slider, past_forecast_section
from presentation.sections.section import Section, figure, in_unit, text
from services.errors import NoWhole, ShareOfBalance
from services.forecasts.period_summary import unit_in_words
from services.history.first_prints import first_prints
from services.history.forecast_history import (
    Row,
    earlier_rows,
    forecast_rows,
    forecaster_rows,
    history_start,
    observed_rows,
)
from services.runs.published_run import PublishedRun
from services.series.series_catalog import BALANCE
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries

PERIOD = text("period", "Period", formatting.period_name)
HISTORIES = {
    "forecasters": (
        "Forecasts by forecaster",
        [PERIOD, text("forecaster", "Forecaster")],
        "Forecasters in the combination, before combination and reconciliation.",
    ),
    "earlier": (
        "Earlier forecasts",
        [text("made", "Forecast from", formatting.month_name), PERIOD],
        "Drawn in grey in the chart of the forecast.",
    ),
}


@dataclass(frozen=True, slots=True)
class SeriesView:
    """Units, frequency and lines of the charts of a series; `years` of observations, 0 for all.

    `made` is the cutoff of the past forecast that is shown first, as YYYY-MM.
    """

    units: Literal["lin", "pc1", "share"] = "lin"
    frequency: Literal["M", "Q", "A"] = "M"
    years: int = 5
    by_forecaster: bool = False
    made: str | None = None


def series_sections(
    published: PublishedRun, series: ResolvedSeries, view: SeriesView
) -> tuple[list[Section], Slider | None]:
    """The sections of a series, and the slider of past forecasts if there are any. Raises ShareOfBalance, NoWhole."""
    whole = whole_of(published, series) if view.units == "share" else None
    all_paths = published.read_paths([series] if whole is None else [series, whole])
    series_paths, whole_paths = all_paths[0], all_paths[1] if whole else None
    unit = unit_in_words(view.units, published.unit_of(series))
    observed = with_tooltips(observed_rows(series_paths, view.units, view.frequency, whole_paths), unit)
    rows = forecast_rows(series_paths, view.units, view.frequency, LEVELS, whole_paths)
    forecast = with_tooltips(rows, unit, LEVELS)
    earlier, origins, others = _other_forecasts(published, series, series_paths, view)
    since = history_start(view.frequency, published.last, view.years)
    earlier = _named(earlier)
    others = with_tooltips(others, unit)
    draw = fan if view.frequency == "M" else period_bars
    seen = [row for row in observed if row["month"] >= since]
    listed = read_listed(published, series)
    marked = mark_events(listed, [*seen, *forecast])
    spec = draw(
        seen,
        forecast,
        unit=unit,
        levels=LEVELS,
        earlier=[row for row in earlier if row["month"] >= since],
        others=others,
        events=marked.rows,
    )
    monthly_level = (view.units, view.frequency) == ("lin", "M")
    past = past_forecast_section(published, series, observed, view.made) if monthly_level else None
    sections = [
        Section(
            name="forecast",
            title="Forecast",
            columns=forecast_columns(unit, LEVELS),
            rows=forecast,
            spec=spec,
            note=f"{_note(view, origins if earlier else '')} {marked.note}".rstrip(),
            api=_forecast_api(published, series, view),
        ),
        *([events_section(published, series, listed, marked)] if listed else []),
        *([_history_section(published, series, "forecasters", others, unit, view)] if others else []),
        *([_history_section(published, series, "earlier", earlier, unit, view)] if earlier else []),
        *([past[0]] if past else []),
        *(nowcast_sections(published, series) if monthly_level else []),
        *component_sections(published, series),
        _observed_section(published, series, observed[::-1], unit, view),
    ]
    return sections, past[1] if past else None


def _note(view: SeriesView, origins: str) -> str:
    note, mark = (NOTE, "Dashed grey") if view.frequency == "M" else (BARS_NOTE, "Grey circles")
    return f"{note} {mark}: earlier forecasts, from {origins}." if origins else note


def _named(rows: list[Row]) -> list[Row]:
    return [{**row, "name": formatting.period_name(row["period"])} for row in rows]


def whole_of(published: PublishedRun, series: ResolvedSeries) -> ResolvedSeries:
    """The whole that a share refers to: all partners, or all sectors for a series of all partners.

    Raises ShareOfBalance, NoWhole.
    """
    if series.flow == BALANCE:
        raise ShareOfBalance(series.unique_id)
    of, sector = ("total", TOTAL_SECTOR) if series.partner == TOTAL_PARTNER else ("sector", series.sector)
    try:
        return published.choose(series.flow, TOTAL_PARTNER, sector)
    except UnknownSeries as error:
        whole = f"{published.dataset.id}.{series.flow}.{TOTAL_PARTNER}.{sector}"
        raise NoWhole(series.unique_id, whole, of) from error


def _other_forecasts(
    published: PublishedRun, series: ResolvedSeries, series_paths: SeriesPaths, view: SeriesView
) -> tuple[list[Row], str, list[Row]]:
    """Earlier forecasts with their origin, and forecasts by forecaster; shares have neither."""
    if view.units == "share":
        return [], "", []
    earlier, origins = earlier_rows(published, series, series_paths, view.units, view.frequency)
    if not view.by_forecaster:
        return earlier, origins, []
    others = forecaster_rows(published, series, series_paths, view.units, view.frequency)
    return earlier, origins, [{**row, "forecaster": row["forecaster"].replace("_", " ")} for row in others]


def _history_section(
    published: PublishedRun,
    series: ResolvedSeries,
    of: Literal["forecasters", "earlier"],
    rows: list[Row],
    unit: str,
    view: SeriesView,
) -> Section:
    title, columns, note = HISTORIES[of]
    return Section(
        name=of,
        title=title,
        columns=[*columns, figure("value", f"Mean ({unit})", in_unit(unit))],
        rows=rows,
        open=False,
        note=note,
        api=links.api_forecast_history(
            published.run.id, **links.codes(series), of=of, frequency=view.frequency, units=view.units
        ),
    )


def _observed_section(
    published: PublishedRun, series: ResolvedSeries, rows: list[Row], unit: str, view: SeriesView
) -> Section:
    as_of, show = published.run.as_of, in_unit(unit)
    columns = [PERIOD, figure("value", f"Observed ({unit})", show)]
    note = f"Values known on {formatting.day_name(as_of)}, as revised, newest first."
    if view.units == "lin":
        spans = [parse_period(row["period"]) for row in rows]
        prints = first_prints(published.session, series, spans, as_of=as_of)
        rows = [{**row, "first_print": first} for row, first in zip(rows, prints, strict=True)]
        if any(first is not None for first in prints):
            columns.append(figure("first_print", f"First print ({unit})", show))
            note += " First print: the sum of the values that were published first, where all of them are stored."
    return Section(
        name="observed",
        title="Observations",
        columns=columns,
        rows=rows,
        open=False,
        note=note,
        api=links.api_observations(published.dataset.id, **links.codes(series), as_of=as_of),
    )


def _forecast_api(published: PublishedRun, series: ResolvedSeries, view: SeriesView) -> str:
    query: dict[str, Any] = {"level": sorted(LEVELS)}
    if view.frequency != "M":
        query["frequency"] = view.frequency
    if view.units != "lin":
        query["units"] = view.units
    if view.units == "share":
        query["of"] = "total" if series.partner == TOTAL_PARTNER else "sector"
    return links.api_forecasts(published.run.id, **links.codes(series), **query)
