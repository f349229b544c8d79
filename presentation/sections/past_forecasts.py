"""The section of past forecasts of one series: the forecast as it was made at a cutoff, chosen with a slider."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forecasting.data.months import month_text
from presentation import formatting, links
from presentation.charts.past_forecast import past_forecast
from presentation.sections.section import Section, figure, in_unit, text
from services.history.past_forecasts import LEVEL, PastForecast, past_forecasts
from services.runs.published_run import PublishedRun, iso_day
from store.models import ResolvedSeries

HISTORY, DEFAULT_BACK = 24, 12
"""Months before the first cutoff; and the forecast shown at first, a year back, most of whose months are observed."""
NOTE = "Black: observations. Blue: the forecast made with data to the month of the slider, with its 80 % interval."


@dataclass(frozen=True, slots=True)
class Slider:
    """The cutoffs of a slider as YYYY-MM, each with its description, and the place of the one shown."""

    cutoffs: list[str]
    descriptions: list[str]
    shown: int


def past_forecast_section(
    published: PublishedRun, series: ResolvedSeries, observed: Sequence[dict[str, Any]], made: str | None
) -> tuple[Section, Slider] | None:
    """The section and its slider; None without past forecasts. `made` is the cutoff to show first, as YYYY-MM."""
    found = past_forecasts(published, series)
    if not found:
        return None
    slider = _slider(found, made)
    outcomes = {row["period"]: row["value"] for row in observed}
    rows = [_row(forecast, outcomes, published.unit_of(series)) for forecast in found]
    since = month_text(found[0].made - HISTORY)
    show = in_unit(published.unit_of(series))
    return Section(
        name="then",
        title="As forecast then",
        columns=[
            text("made", "Data to", formatting.month_name),
            text("source", "Made by"),
            text("period", "Month", formatting.month_name),
            figure("mean", f"Forecast ({published.unit_of(series)})", show),
            figure("lo", "80 % from", show),
            figure("hi", "80 % to", show),
            figure("actual", "Actual", show),
        ],
        rows=rows[::-1],
        spec=past_forecast(
            [row for row in observed if row["period"] >= since],
            [row for row in rows if row["lo"] is not None],
            unit=published.unit_of(series),
            made=slider.cutoffs[slider.shown],
        ),
        note=NOTE,
        open=False,
        api=links.api_folds(published.dataset.id, **links.codes(series), run=published.run.id, level=LEVEL),
    ), slider


def _slider(found: Sequence[PastForecast], made: str | None) -> Slider:
    descriptions = {month_text(row.made): _source(row) for row in found}
    cutoffs = list(descriptions)
    shown = cutoffs.index(made) if made in cutoffs else max(len(cutoffs) - 1 - DEFAULT_BACK, 0)
    texts = [f"data to {formatting.month_name(cutoff)}, {source}" for cutoff, source in descriptions.items()]
    return Slider(cutoffs, texts, shown)


def _row(forecast: PastForecast, outcomes: dict[str, float], unit: str) -> dict[str, Any]:
    show, period = in_unit(unit), month_text(forecast.month)
    return {
        "made": month_text(forecast.made),
        "source": _source(forecast),
        "period": period,
        "month": iso_day(forecast.month),
        "name": formatting.month_name(period),
        "mean": forecast.mean,
        "lo": forecast.lo,
        "hi": forecast.hi,
        "actual": outcomes.get(period),
        "tip": show(forecast.mean),
        "interval": f"{show(forecast.lo)} to {show(forecast.hi)}",
    }


def _source(forecast: PastForecast) -> str:
    return "the backtest" if forecast.run_id is None else f"run {forecast.run_id}"
