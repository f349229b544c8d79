"""Sections that compare two runs: both forecasts in one chart, differences by period, and their attribution."""

from typing import Any

from forecasting.analysis.periods import Frequency, periods_ahead
from forecasting.data.months import month_text
from presentation import formatting, links
from presentation.charts.comparison import comparison
from presentation.sections.events import mark_events, read_listed
from presentation.sections.forecast import with_tooltips
from presentation.sections.run import differences
from presentation.sections.section import Section, figure, in_unit, text
from services.forecasts.period_summary import period_rows
from services.history.forecast_history import forecast_rows, history_start, observed_rows
from services.runs.published_run import PublishedRun, month_of
from store.errors import ChangesNotKept
from store.models import ResolvedSeries
from store.queries import run_changes

LEVELS, YEARS_SHOWN = (80.0,), 4
FREQUENCIES: tuple[Frequency, ...] = ("M", "A")


def comparison_sections(first: PublishedRun, second: PublishedRun, series: ResolvedSeries) -> list[Section]:
    """Sections about one series in two runs of a dataset; `first` is the older run."""
    return [
        _chart(first, second, series),
        _differences(first, second, series),
        *_attribution(first, second, series),
    ]


def _chart(first: PublishedRun, second: PublishedRun, series: ResolvedSeries) -> Section:
    (first_paths,), (second_paths,) = first.read_paths([series]), second.read_paths([series])
    unit, since = second.unit_of(series), history_start("M", second.last, YEARS_SHOWN)
    observed = with_tooltips(observed_rows(second_paths, "lin", "M", None), unit)
    rows = [
        with_tooltips(forecast_rows(paths, "lin", "M", LEVELS, None), unit, LEVELS)
        for paths in (first_paths, second_paths)
    ]
    labelled = [{**row, "run": run.run.id} for run, found in zip((first, second), rows, strict=True) for row in found]
    seen = [row for row in observed if row["month"] >= since]
    marked = mark_events(read_listed(second, series), [*seen, *rows[1]])
    show = in_unit(unit)
    return Section(
        name="forecasts",
        title=f"Forecasts of run {first.run.id} and run {second.run.id}",
        columns=[
            figure("run", "Run"),
            text("period", "Period", formatting.period_name),
            figure("median", f"Forecast ({unit})", show),
            figure("lo_80", "80 % from", show),
            figure("hi_80", "80 % to", show),
        ],
        rows=labelled,
        spec=comparison(seen, *rows, unit=unit, events=marked.rows),
        note=f"Orange: {describe(first)}. Blue: {describe(second)}. Bands: 80 % prediction intervals. {marked.note}",
        open=False,
        api=links.api_forecasts(second.run.id, **links.codes(series), level=80),
    )


def _differences(first: PublishedRun, second: PublishedRun, series: ResolvedSeries) -> Section:
    """Months and years that both runs forecast."""
    (first_paths,), (second_paths,) = first.read_paths([series]), second.read_paths([series])
    end = min(first.last + first.run.horizon, second.last + second.run.horizon)
    periods = [
        period
        for frequency in FREQUENCIES
        for period in periods_ahead(second.last, second.run.horizon, frequency)
        if period.last <= end
    ]
    before, after = (
        {row["period"]: row for row in period_rows(paths, periods, "lin", LEVELS)}
        for paths in (first_paths, second_paths)
    )
    rows: list[dict[str, Any]] = []
    for label in before.keys() & after.keys():
        old, new = before[label]["median"], after[label]["median"]
        rows.append(
            {
                "period": label,
                "last": after[label]["last"],
                "before": old,
                "after": new,
                "difference": new - old,
                "change": 100 * (new / old - 1) if old > 0 else None,
            }
        )
    order = [period.label for period in periods]
    rows.sort(key=lambda row: order.index(row["period"]))
    show = in_unit(second.unit_of(series))
    return Section(
        name="differences",
        title="Differences by period",
        columns=[
            text("period", "Period", formatting.period_name),
            figure("before", f"Run {first.run.id} ({second.unit_of(series)})", show),
            figure("after", f"Run {second.run.id} ({second.unit_of(series)})", show),
            figure("difference", f"Difference ({second.unit_of(series)})", show),
            figure("change", "Change", formatting.per_cent_change),
        ],
        rows=rows,
        note=differences(second.run, first.run),
        api=links.api_forecasts(first.run.id, **links.codes(series), level=80),
    )


def _attribution(first: PublishedRun, second: PublishedRun, series: ResolvedSeries) -> list[Section]:
    """The stored attribution of the changes between the runs, where there is one."""
    try:
        against = run_changes.latest_against(second.session, second.run.id, first.run.id)
    except ChangesNotKept:
        return []
    signs = {part.series_id: part.sign for part in series.parts}
    limit = second.run.horizon * len(signs)
    page = run_changes.page(
        second.session, second.run.id, against, list(signs), horizon=second.run.horizon, limit=limit
    )
    names = ("before", "after", "new_figures", "revised_figures", "indicators", "published_total", "reestimation")
    months: dict[str, dict[str, Any]] = {}
    for row in page.rows:
        label = month_text(month_of(row.month))
        cells = months.setdefault(label, {"month": label, **dict.fromkeys(names, 0.0)})
        for name in names:
            cells[name] += signs[row.series_id] * getattr(row, name)
    show = in_unit(second.unit_of(series))
    return [
        Section(
            name="attribution",
            title="Attribution of the changes",
            columns=[
                text("month", "Month", formatting.month_name),
                figure("new_figures", f"New data ({second.unit_of(series)})", show),
                figure("revised_figures", "Revised data", show),
                figure("indicators", "Indicators", show),
                figure("published_total", "Published total", show),
                figure("reestimation", "Re-estimation", show),
            ],
            rows=[months[label] for label in sorted(months)],
            note="The parts add up to the change of the mean forecast of each month.",
            open=False,
            api=links.api_run_changes(second.run.id, against=against),
        )
    ]


def describe(published: PublishedRun) -> str:
    """Run 2 of 21 August 2026 (data to July 2026)."""
    as_of, cutoff = formatting.day_name(published.run.as_of), formatting.month_name(published.cutoff)
    return f"run {published.run.id} of {as_of} (data to {cutoff})"
