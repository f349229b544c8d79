"""Sections about external forecasts: poll, Tradewind, first print and revised value, and who was closer over time."""

from collections.abc import Callable
from typing import Any

from forecasting.data.months import format_month, month_text
from presentation import formatting, links
from presentation.charts.consensus import NAMES, consensus_chart, running_errors
from presentation.sections.section import Section, figure, in_unit, text
from services.forecasts.period_summary import unit_in_words
from services.history.consensus import RECENT, Consensus, ConsensusRow
from services.runs.published_run import PublishedRun, month_of
from store.models import ResolvedSeries

Show = Callable[[Any], str]
WINNERS = {"poll": "poll", "tradewind": "Tradewind", "both": "equal"}


def consensus_sections(
    published: PublishedRun, series: ResolvedSeries, found: Consensus, *, growth: bool
) -> list[Section]:
    """The targets with a chart, and the mean errors of the last targets at each."""
    unit = unit_in_words("pc1" if growth else "lin", published.unit)
    show = in_unit(unit)
    query = {**links.codes(series), "model": found.model, "units": "pc1" if growth else "lin"}
    api = links.api_external_forecasts(published.dataset.id, **query)
    return [_targets(found, unit, show, api), _over_time(found, unit, api)]


def verdict(found: Consensus, *, growth: bool, unit: str) -> str:
    """Who was closer, in one sentence."""
    total = found.summary
    show = formatting.size_of_points if growth else in_unit(unit)
    targets = formatting.count_of(total.n, "release")
    return (
        f"Over {targets}, the poll missed by {show(total.external_mae)} on average and Tradewind by "
        f"{show(total.tradewind_mae)}; the poll was closer on {total.external_closer}, Tradewind on "
        f"{total.tradewind_closer}."
    )


def _name(row: ConsensusRow) -> str:
    month = formatting.month_name(format_month(row.month))
    return month if row.months == 1 else f"January and {month}"


def _targets(found: Consensus, unit: str, show: Show, api: str) -> Section:
    rows = [_cells(row) for row in reversed(found.rows)]
    backtested = sum(row.backtest for row in found.rows)
    note = "Dots: the poll before the release, Tradewind's forecast with the same months, and the first print."
    if backtested:
        count = formatting.count_of(backtested, "forecast")
        note += f" Where no run is as old, Tradewind's is of its backtest, computed later from revised data: {count}."
    return Section(
        name="targets",
        title="Poll, forecast and first print",
        columns=[
            text("target", "Month"),
            figure("external", f"Poll ({unit})", show),
            figure("tradewind", "Tradewind", show),
            figure("first_print", "First print", show),
            figure("latest", "Revised", show),
            text("closer", "Closer"),
        ],
        rows=rows,
        spec=consensus_chart([dot for row in found.rows for dot in _dots(row, show)], unit=unit),
        note=note,
        api=api,
    )


def _cells(row: ConsensusRow) -> dict[str, Any]:
    return {
        "target": _name(row),
        "external": row.external,
        "tradewind": row.tradewind,
        "first_print": row.first_print,
        "latest": row.latest,
        "closer": WINNERS[row.closer],
    }


def _dots(row: ConsensusRow, show: Show) -> list[dict[str, Any]]:
    values = {"external": row.external, "tradewind": row.tradewind, "first_print": row.first_print}
    place = {"month": month_text(month_of(row.month)), "name": _name(row)}
    return [
        {**place, "series": NAMES[name], "value": value, "tip": show(value)}
        for name, value in values.items()
        if value is not None
    ]


def _over_time(found: Consensus, unit: str, api: str) -> Section:
    size = formatting.size_of_points if unit == "per cent" else in_unit(unit)
    rows, lines = [], []
    for row, (external, tradewind) in zip(found.rows, found.running, strict=True):
        month = month_text(month_of(row.month))
        rows.append({"target": _name(row), "external": external, "tradewind": tradewind})
        lines += [
            {"month": month, "name": _name(row), "series": NAMES[name], "value": value, "tip": size(value)}
            for name, value in (("external", external), ("tradewind", tradewind))
        ]
    return Section(
        name="errors",
        title=f"Mean absolute error of the last {RECENT} releases",
        columns=[
            text("target", "Month"),
            figure("external", "Poll", size),
            figure("tradewind", "Tradewind", size),
        ],
        rows=rows[::-1],
        spec=running_errors(lines, unit="percentage points" if unit == "per cent" else unit),
        note="Errors on the first print, or on the latest value where the first print is not known. Lower is better.",
        open=False,
        api=api,
    )
