"""The section of a nowcast: how the forecast of one month moved as observations and indicators arrived."""

from forecasting.data.months import format_month
from presentation import formatting, links
from presentation.charts.nowcast import nowcast
from presentation.sections.section import Section, figure, in_unit, interval_columns, text
from services.history.nowcast_history import LEVEL, nowcast_history
from services.runs.published_run import PublishedRun
from store.models import ResolvedSeries

NOTE = "Median forecast by the day whose knowledge it uses. Band: 80 % prediction interval."


def nowcast_sections(published: PublishedRun, series: ResolvedSeries) -> list[Section]:
    """The section, where two runs or more forecast the month."""
    found = nowcast_history(published, series)
    if found is None:
        return []
    show = in_unit(published.unit)
    rows = [{**row, "tip": show(row["median"])} for row in found.rows]
    outcome = "" if found.outcome is None else f" Dashed: the published value, {show(found.outcome)}."
    outcome += (
        "" if found.first_print is None else f" Dotted: the first print, {show(found.first_print)}, by its growth."
    )
    polls = [
        {"as_of": poll.day.isoformat(), "model": poll.model, "value": poll.value, "tip": show(poll.value)}
        for poll in found.polls
    ]
    outcome += "".join(f" Diamond: {poll['model']}, {poll['tip']}." for poll in polls)
    return [
        Section(
            name="nowcast",
            title=f"Nowcast of {formatting.month_name(format_month(found.month))} by day",
            columns=[
                text("as_of", "Known on"),
                figure("median", f"Forecast ({published.unit})", show),
                *interval_columns((LEVEL,), show),
                text("arrived", "Indicators that arrived"),
            ],
            rows=rows[::-1],
            spec=nowcast(
                rows,
                unit=published.unit,
                level=LEVEL,
                outcome=found.outcome,
                polls=polls,
                first_print=found.first_print,
            ),
            note=NOTE + outcome,
            api=links.api_dataset_indicators(published.dataset.id),
        )
    ]
