"""Blocks about single folds: what was said and what came, and the worst misses."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from forecasting.analysis.period_draws import Units
from forecasting.analysis.periods import KINDS_OF, Frequency
from forecasting.config import COMBINATION
from presentation import formatting
from presentation.charts.fan import fan
from presentation.sections.forecast import with_tooltips
from presentation.sections.section import Section, figure, in_unit, interval_columns, link, text
from services.backtest_folds import GROWTH, LONG_STEP, Fold, FoldPeriod, read_folds, read_misses
from services.forecast_history import history_start, observed_rows
from services.period_summary import unit_in_words
from services.published_run import PublishedRun, codes, iso_day
from store.models import ResolvedSeries
from store.queries import backtest_folds

LEVELS, MISS_LEVEL, MISSES, FOLDS = (95.0, 80.0, 50.0), 80.0, 15, 240
YEAR_BACK = 11
FREQUENCIES: dict[str, Frequency] = {kind: frequency for frequency, kind in KINDS_OF.items()}
YEARS_BEFORE = {"month": 4, "quarter": 8, "jan_feb": 12, "year": 15}
PERIODS = {"month": "Month", "jan_feb": "January and February", "quarter": "Quarter", "year": "Year"}


def fold_cutoffs(desk: PublishedRun, one: ResolvedSeries, kind: str) -> list[date]:
    """The scored folds of a stored series, newest first."""
    number = one.parts[0].series_id
    of = kind.removesuffix(GROWTH)
    return backtest_folds.cutoffs(desk.session, desk.run.id, number, forecaster=COMBINATION, kind=of, limit=FOLDS)


def fold_shown(cutoffs: Sequence[date], asked: date | None) -> date:
    """The fold that is asked for, or one a year back, which has most of its months behind it."""
    return asked if asked is not None and asked in cutoffs else cutoffs[min(YEAR_BACK, len(cutoffs) - 1)]


def track_blocks(
    desk: PublishedRun, one: ResolvedSeries | None, kind: str, cutoffs: Sequence[date], shown: date | None
) -> list[Section]:
    """What was said at one fold, and what came."""
    if one is None or shown is None:
        return []
    offset = cutoffs.index(shown)
    folds = read_folds(
        desk.session,
        desk.run,
        one.parts[0].series_id,
        kind=kind,
        forecaster=COMBINATION,
        levels=LEVELS,
        kept=desk.probabilities,
        limit=1,
        offset=offset,
    )
    return [_track_block(desk, one, kind, fold, offset) for fold in folds.rows]


def _track_block(desk: PublishedRun, one: ResolvedSeries, kind: str, fold: Fold, offset: int) -> Section:
    units, unit = _units(desk, kind)
    of, show = kind.removesuffix(GROWTH), in_unit(unit)
    rows = [row for period in fold.periods if (row := _row(period, unit)) is not None]
    past = _observed(desk, one, kind, fold.cutoff, units)
    known = [row for row in past if row["month"] <= fold.cutoff.isoformat()]
    columns = [
        text("period", PERIODS[of], formatting.period_name),
        figure("median", f"Forecast ({unit})", show),
        figure("actual", "What came", show),
    ]
    asked = f"run={desk.run.id}&kind={kind}&level=50,80,95&limit=1&offset={offset}"
    return Section(
        name="fold",
        title=f"What was said after {formatting.month_name(fold.cutoff)}, and what came",
        columns=[*columns, *interval_columns(LEVELS, show)],
        rows=rows,
        spec=fan(
            known,
            rows,
            unit=unit,
            levels=LEVELS,
            came=[row for row in past if row["month"] >= fold.cutoff.isoformat()],
        ),
        note=_fold_note(kind),
        api=f"/v1/datasets/{desk.dataset.id}/backtests/folds?{codes(one)}&{asked}",
        open=False,
    )


def _fold_note(kind: str) -> str:
    note = "Black: known then. Blue and its shades: the forecast. Orange: what came."
    if not kind.endswith(GROWTH):
        return note
    return f"{note} Growth up to a year ahead, where the year before was known."


def _row(period: FoldPeriod, unit: str) -> dict[str, Any] | None:
    """A period as charts and tables take it; where no error of that step was known yet, bounds are the mean."""
    if period.mean is None:
        return None
    show, label = in_unit(unit), period.span.label
    row: dict[str, Any] = {"period": label, "month": iso_day(period.span.last), "median": period.mean}
    row |= {"actual": period.actual, "name": formatting.period_name(label), "tip": show(period.mean)}
    for level, (lo, hi) in zip(LEVELS, period.bounds, strict=True):
        row[f"lo_{level:g}"] = period.mean if lo is None else lo
        row[f"hi_{level:g}"] = period.mean if hi is None else hi
        row[f"tip_{level:g}"] = f"{show(row[f'lo_{level:g}'])} to {show(row[f'hi_{level:g}'])}"
    return row


def _observed(desk: PublishedRun, one: ResolvedSeries, kind: str, cutoff: date, units: Units) -> list[dict[str, Any]]:
    of = kind.removesuffix(GROWTH)
    (series_paths,) = desk.read_paths([one])
    since = history_start("M", cutoff.year * 12 + cutoff.month - 1, YEARS_BEFORE[of])
    rows = with_tooltips(observed_rows(series_paths, units, FREQUENCIES[of], None), unit_in_words(units, desk.unit))
    return [row for row in rows if row["month"] >= since]


def _units(desk: PublishedRun, kind: str) -> tuple[Units, str]:
    units: Units = "pc1" if kind.endswith(GROWTH) else "lin"
    return units, unit_in_words(units, desk.unit)


def worst_misses(
    desk: PublishedRun, ids: Sequence[int], *, kind: str = "month", step: int | None = None, asked: str
) -> Section:
    """Where what came was furthest outside the interval; `asked` names the series to the API."""
    found = read_misses(
        desk.session,
        desk.run,
        ids,
        kind=kind,
        step=step,
        level=MISS_LEVEL,
        forecaster=COMBINATION,
        kept=desk.probabilities,
        limit=MISSES,
    )
    named = {part.series_id: one for one in desk.catalog.stored for part in one.parts}
    unit = _units(desk, kind)[1]
    rows = [
        {
            "series": desk.name(named[miss.series_id]),
            "href": f"/series/{named[miss.series_id].unique_id.replace('.', '/')}?run={desk.run.id}",
            "period": span.label,
            **miss._asdict(),
        }
        for span, miss in found.rows
    ]
    also = f"&step={step}" if step else ""
    return Section(
        name="misses",
        title=f"The worst misses, {_ahead(kind, step)}",
        columns=_miss_columns(unit, PERIODS[kind.removesuffix(GROWTH)]),
        rows=rows,
        note="Outside the 80 % interval, the furthest first, measured in its widths. One in five must be.",
        api=f"/v1/datasets/{desk.dataset.id}/backtests/misses?run={desk.run.id}{asked}&kind={kind}{also}&limit={MISSES}",
    )


def _ahead(kind: str, step: int | None) -> str:
    if kind.removesuffix(GROWTH) == backtest_folds.MONTH:
        return f"{formatting.count_of(step or 1, 'month')} ahead"
    return f"ending at most {formatting.count_of(step or LONG_STEP, 'month')} ahead"


def _miss_columns(unit: str, period: str) -> list[Any]:
    show = in_unit(unit)
    return [
        link("series", "Series"),
        text("period", period, formatting.period_name),
        text("cutoff", "Said after", formatting.month_name),
        figure("mean", f"Forecast ({unit})", show),
        figure("lo", "80 % from", show),
        figure("hi", "80 % to", show),
        figure("actual", "What came", show),
        figure("widths", "Interval widths outside", formatting.ratio),
    ]
