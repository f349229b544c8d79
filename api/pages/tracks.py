"""Blocks about single folds: what was said and what came, and the worst misses."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from api import wording
from api.blocks import Block, figure, in_unit, interval_columns, link, text
from api.charts.fan import fan
from api.pages.lines import observed_rows
from api.pages.reading import Desk, codes, iso_day, month_of
from api.selection import Chosen
from forecasting.config import COMBINATION, interval_probabilities
from forecasting.spans import YEAR, month_text
from store import backtests, forecasts

LEVELS, MISS_LEVEL, MISSES, FOLDS = (95.0, 80.0, 50.0), 80.0, 15, 240
YEARS_BEFORE = 4


def fold_cutoffs(desk: Desk, one: Chosen) -> list[date]:
    """The scored folds of a stored series, newest first."""
    number = one.parts[0].series_id
    rows = backtests.tracks(desk.session, desk.run.id, number, forecaster=COMBINATION, limit=FOLDS).rows
    return [row.cutoff for row in rows]


def track_blocks(desk: Desk, one: Chosen | None, cutoffs: Sequence[date], fold: date | None) -> list[Block]:
    """What was said at one fold, and what came."""
    if one is None or not cutoffs:
        return []
    # A year back, a fold has most of its months behind it.
    wanted = fold or cutoffs[min(11, len(cutoffs) - 1)]
    number = one.parts[0].series_id
    offset = cutoffs.index(wanted) if wanted in cutoffs else 0
    page_of = backtests.tracks(desk.session, desk.run.id, number, forecaster=COMBINATION, limit=1, offset=offset)
    track, show = page_of.rows[0], in_unit(desk.unit)
    kept = forecasts.coverage(desk.session, desk.run.id).probabilities
    rows = []
    for place, mean in enumerate(track.means):
        month = month_of(track.cutoff) + place + 1
        row: dict[str, Any] = {"period": month_text(month), "month": iso_day(month), "median": mean}
        row |= {"actual": track.actuals[place], "name": wording.month_name(iso_day(month)), "tip": show(mean)}
        for level in LEVELS:
            lo, hi = (
                _quantile(track.quantiles, kept.index(each), place, mean) for each in interval_probabilities(level)
            )
            row |= {f"lo_{level:g}": lo, f"hi_{level:g}": hi, f"tip_{level:g}": f"{show(lo)} to {show(hi)}"}
        rows.append(row)
    return [_track_block(desk, one, track.cutoff, rows)]


def _quantile(quantiles: list[list[float | None]] | None, row: int, place: int, mean: float) -> float:
    """A bound, or the mean where no error of that step was known yet."""
    found = quantiles[row][place] if quantiles else None
    return mean if found is None else found


def _track_block(desk: Desk, one: Chosen, cutoff: date, rows: list[dict[str, Any]]) -> Block:
    show = in_unit(desk.unit)
    (outlook,) = desk.outlooks([one])
    since = iso_day(month_of(cutoff) - YEAR * YEARS_BEFORE + 1)
    past = [row for row in observed_rows(outlook, "lin", "M", desk.unit, None) if row["month"] >= since]
    known = [row for row in past if row["month"] <= cutoff.isoformat()]
    columns = [
        text("period", "Month", wording.month_name),
        figure("median", f"Forecast ({desk.unit})", show),
        figure("actual", "What came", show),
    ]
    columns += interval_columns(LEVELS, show)
    return Block(
        name="fold",
        title=f"What was said after {wording.month_name(cutoff)}, and what came",
        columns=columns,
        rows=rows,
        spec=fan(
            known, rows, unit=desk.unit, levels=LEVELS, came=[row for row in past if row["month"] >= cutoff.isoformat()]
        ),
        note="Black: known then. Blue and its shades: the forecast. Orange: what came.",
        api=f"/v1/datasets/{desk.dataset.id}/backtests/folds?{codes(one)}&run={desk.run.id}&level=50,80,95",
        open=False,
    )


def worst_misses(desk: Desk, ids: Sequence[int], *, step: int) -> Block:
    """Where what came was furthest outside the interval."""
    kept = forecasts.coverage(desk.session, desk.run.id).probabilities
    lo, hi = (kept.index(each) for each in interval_probabilities(MISS_LEVEL))
    found = backtests.misses(
        desk.session, desk.run.id, ids, forecaster=COMBINATION, step=step, bounds=(lo, hi), limit=MISSES
    )
    named = {part.series_id: one for one in desk.catalog.stored for part in one.parts}
    show = in_unit(desk.unit)
    rows = [
        {
            "series": desk.name(named[miss.series_id]),
            "href": f"/series/{named[miss.series_id].unique_id.replace('.', '/')}?run={desk.run.id}",
            "month": month_text(month_of(miss.cutoff) + step),
            **miss._asdict(),
        }
        for miss in found
    ]
    return Block(
        name="misses",
        title=f"The worst misses, {wording.count_of(step, 'month')} ahead",
        columns=[
            link("series", "Series"),
            text("month", "Month", wording.month_name),
            figure("mean", f"Forecast ({desk.unit})", show),
            figure("lo", "80 % from", show),
            figure("hi", "80 % to", show),
            figure("actual", "What came", show),
            figure("widths", "Interval widths outside", wording.ratio),
        ],
        rows=rows,
        note="Outside the 80 % interval, the furthest first, measured in its widths. One in five must be.",
    )
