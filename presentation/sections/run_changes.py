"""What moved a run's forecasts since an earlier run: new figures, revised ones, and everything else."""

from forecasting.data.months import month_text
from presentation import formatting
from presentation.sections.section import Section, figure, in_unit, link, text
from services.published_run import PublishedRun, month_of
from store.errors import ChangesNotKept
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import run_changes

SHOWN = 12
PARTS = {"change": "Change", "new_figures": "New figures", "revised_figures": "Revised figures", "reestimation": "Rest"}
NOTE = (
    "The mean of each month, and what moved it: months that had not been seen, other values of months that had, and "
    "all else (weights learnt again, draws, configuration, code). The three add up to the change."
)


def move_blocks(desk: PublishedRun) -> list[Section]:
    """The moves of the totals over the next year, where a job has taken them apart, else nothing."""
    totals = {part.series_id: one for one in map(desk.main, desk.flows) if not one.derived for part in one.parts}
    try:
        against = run_changes.latest_against(desk.session, desk.run.id)
    except ChangesNotKept:
        return []
    found = run_changes.page(desk.session, desk.run.id, against, list(totals), horizon=SHOWN, limit=SHOWN * len(totals))
    show = in_unit(desk.unit)
    rows = [
        {
            "series": desk.name(totals[row.series_id]),
            "href": f"/series/{totals[row.series_id].unique_id.replace('.', '/')}?run={desk.run.id}",
            **row._asdict(),
            "month": month_text(month_of(row.month)),
            "change": row.after - row.before,
        }
        for row in found.rows
    ]
    return [
        Section(
            name="moves",
            title=f"What moved the totals since run {against}",
            columns=[
                link("series", "Series"),
                text("month", "Month", formatting.month_name),
                figure("before", f"Then ({desk.unit})", show),
                figure("after", f"Now ({desk.unit})", show),
                *(figure(name, words, show) for name, words in PARTS.items()),
            ],
            rows=rows,
            note=NOTE,
            api=f"/v1/runs/{desk.run.id}/changes?against={against}&horizon={SHOWN}"
            f"&partner={TOTAL_PARTNER}&sector={TOTAL_SECTOR}",
        )
    ]
