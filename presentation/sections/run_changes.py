"""Attribution of forecast changes since an earlier run: data, revisions, indicators, totals, re-estimation."""

from forecasting.data.months import month_text
from presentation import formatting, links
from presentation.sections.section import Section, figure, in_unit, link, text
from services.runs.published_run import PublishedRun, month_of
from store.errors import ChangesNotKept
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import run_changes

SHOWN = 12
PARTS = {
    "change": "Change",
    "new_figures": "New data",
    "revised_figures": "Revised data",
    "indicators": "Indicators",
    "published_total": "Published total",
    "reestimation": "Re-estimation",
}
NOTE = (
    "Change of the mean forecast of each month, attributed to newly observed months, revised values, indicators, the "
    "total where it is published before its detail, and re-estimation (weights, simulation, configuration, code). The "
    "parts add up to the change."
)


def attribution_sections(published: PublishedRun) -> list[Section]:
    """Attribution of the changes of the totals over the next year, where it has been computed."""
    mains = [published.main(flow) for flow in published.flows]
    totals = {part.series_id: series for series in mains if not series.derived for part in series.parts}
    try:
        against = run_changes.latest_against(published.session, published.run.id)
    except ChangesNotKept:
        return []
    found = run_changes.page(
        published.session, published.run.id, against, list(totals), horizon=SHOWN, limit=SHOWN * len(totals)
    )
    show = in_unit(published.unit)
    rows = [
        {
            "series": published.name(totals[row.series_id]),
            "href": links.series_page(totals[row.series_id].unique_id, run=published.run.id),
            **row._asdict(),
            "month": month_text(month_of(row.month)),
            "change": row.after - row.before,
        }
        for row in found.rows
    ]
    return [
        Section(
            name="moves",
            title=f"Drivers of the change since run {against}",
            columns=[
                link("series", "Series"),
                text("month", "Month", formatting.month_name),
                figure("before", f"Earlier forecast ({published.unit})", show),
                figure("after", f"Forecast ({published.unit})", show),
                *(figure(name, label, show) for name, label in PARTS.items()),
            ],
            rows=rows,
            note=NOTE,
            api=links.api_run_changes(
                published.run.id, against=against, horizon=SHOWN, partner=TOTAL_PARTNER, sector=TOTAL_SECTOR
            ),
        )
    ]
