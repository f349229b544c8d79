"""Sections about single folds: forecasts beside outcomes, and the largest misses."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from forecasting.analysis.period_draws import Units
from forecasting.analysis.periods import GROWTH, KINDS_OF, Frequency
from forecasting.config import COMBINATION
from presentation import formatting, links
from presentation.charts.fan import fan
from presentation.charts.period_bars import period_bars
from presentation.sections.forecast import with_tooltips
from presentation.sections.section import Section, figure, in_unit, interval_columns, link, text
from services.backtests.backtest_folds import LONG_STEP, Fold, FoldPeriod, MissedPage, read_misses
from services.backtests.series_folds import DERIVED_ID, read_derived_misses, read_series_folds
from services.forecasts.period_summary import unit_in_words
from services.history.forecast_history import history_start, observed_rows
from services.runs.published_run import PublishedRun, iso_day
from store.models import ResolvedSeries
from store.queries import backtest_folds

LEVELS, MISS_LEVEL, MISSES, FOLDS = (95.0, 80.0, 50.0), 80.0, 15, 240
YEAR_BACK = 11
FREQUENCIES: dict[str, Frequency] = {kind: frequency for frequency, kind in KINDS_OF.items()}
YEARS_BEFORE = {"month": 4, "quarter": 8, "jan_feb": 12, "year": 15}
PERIODS = {"month": "Month", "jan_feb": "January and February", "quarter": "Quarter", "year": "Year"}


def fold_cutoffs(published: PublishedRun, series: ResolvedSeries, kind: str) -> list[date]:
    """Cutoffs of the scored folds of a series, newest first."""
    if series.derived:
        found = read_series_folds(
            published.session,
            published.run,
            series,
            kind=kind.removesuffix(GROWTH),
            levels=(),
            kept=published.probabilities,
            limit=FOLDS,
        )
        return [fold.cutoff for fold in found.rows]
    return backtest_folds.cutoffs(
        published.session,
        published.run.id,
        series.parts[0].series_id,
        forecaster=COMBINATION,
        kind=kind.removesuffix(GROWTH),
        limit=FOLDS,
    )


def select_fold(cutoffs: Sequence[date], requested: date | None) -> date:
    """The requested fold, or a fold a year back, most of whose months have been observed."""
    return requested if requested is not None and requested in cutoffs else cutoffs[min(YEAR_BACK, len(cutoffs) - 1)]


def fold_sections(
    published: PublishedRun, series: ResolvedSeries | None, kind: str, cutoffs: Sequence[date], shown: date | None
) -> list[Section]:
    """Forecasts and outcomes of one fold."""
    if series is None or shown is None:
        return []
    offset = cutoffs.index(shown)
    folds = read_series_folds(
        published.session,
        published.run,
        series,
        kind=kind,
        levels=LEVELS,
        kept=published.probabilities,
        limit=1,
        offset=offset,
    )
    return [_fold_section(published, series, kind, fold, offset) for fold in folds.rows]


def _fold_section(published: PublishedRun, series: ResolvedSeries, kind: str, fold: Fold, offset: int) -> Section:
    units = _units(kind)
    unit = unit_in_words(units, published.unit_of(series))
    of, show = kind.removesuffix(GROWTH), in_unit(unit)
    rows = [row for period in fold.periods if (row := _row(period, unit)) is not None]
    past = _observed(published, series, kind, fold.cutoff, units)
    known = [row for row in past if row["month"] <= fold.cutoff.isoformat()]
    columns = [
        text("period", PERIODS[of], formatting.period_name),
        figure("median", f"Forecast ({unit})", show),
        figure("actual", "Actual", show),
    ]

    return Section(
        name="fold",
        title=f"Forecast from {formatting.month_name(fold.cutoff)} and outcomes",
        columns=[*columns, *interval_columns(LEVELS, show)],
        rows=rows,
        spec=(fan if of == "month" else period_bars)(
            known,
            rows,
            unit=unit,
            levels=LEVELS,
            outcomes=[row for row in past if row["month"] >= fold.cutoff.isoformat()],
        ),
        note=_fold_note(kind),
        api=links.api_folds(
            published.dataset.id,
            **links.codes(series),
            run=published.run.id,
            kind=kind,
            level=sorted(LEVELS),
            limit=1,
            offset=offset,
        ),
        open=False,
    )


def _fold_note(kind: str) -> str:
    note = "Observations up to the cutoff; blue: forecast with its prediction intervals; orange: outcomes."
    if not kind.endswith(GROWTH):
        return note
    return f"{note} Growth is shown up to a year ahead, where the value a year earlier was known."


def _row(period: FoldPeriod, unit: str) -> dict[str, Any] | None:
    """A period for charts and tables; where no error of its step was known at the cutoff, bounds equal the mean."""
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


def _observed(
    published: PublishedRun, series: ResolvedSeries, kind: str, cutoff: date, units: Units
) -> list[dict[str, Any]]:
    of = kind.removesuffix(GROWTH)
    (series_paths,) = published.read_paths([series])
    since = history_start("M", cutoff.year * 12 + cutoff.month - 1, YEARS_BEFORE[of])
    rows = with_tooltips(
        observed_rows(series_paths, units, FREQUENCIES[of], None), unit_in_words(units, published.unit_of(series))
    )
    return [row for row in rows if row["month"] >= since]


def _units(kind: str) -> Units:
    return "pc1" if kind.endswith(GROWTH) else "lin"


def largest_misses(
    published: PublishedRun,
    chosen: Sequence[ResolvedSeries],
    *,
    kind: str = "month",
    step: int | None = None,
    **selection: Any,
) -> Section:
    """Outcomes furthest outside their interval; `selection` are the codes of the series for the API."""
    found = _read_misses(published, chosen, kind, step)
    stored = {part.series_id: series for series in published.catalog.stored for part in series.parts}
    if len(chosen) == 1 and chosen[0].derived:
        stored[DERIVED_ID] = chosen[0]
    unit = unit_in_words(_units(kind), published.catalog.common_unit(chosen))
    rows = [
        {
            "series": published.name(stored[miss.series_id]),
            "href": links.series_page(stored[miss.series_id].unique_id, run=published.run.id),
            "period": span.label,
            **miss._asdict(),
        }
        for span, miss in found.rows
    ]

    return Section(
        name="misses",
        title=f"Largest misses, {_ahead(kind, step)}",
        columns=_miss_columns(unit, PERIODS[kind.removesuffix(GROWTH)]),
        rows=rows,
        note="Outcomes outside the 80 % interval, ordered by their distance from it in interval widths. A calibrated "
        "interval misses one outcome in five.",
        api=links.api_misses(
            published.dataset.id, run=published.run.id, **selection, kind=kind, step=step or None, limit=MISSES
        ),
    )


def _read_misses(published: PublishedRun, chosen: Sequence[ResolvedSeries], kind: str, step: int | None) -> MissedPage:
    session, run, kept = published.session, published.run, published.probabilities
    if len(chosen) == 1 and chosen[0].derived:
        return read_derived_misses(
            session, run, chosen[0], kind=kind, step=step, level=MISS_LEVEL, kept=kept, limit=MISSES
        )
    ids = sorted({part.series_id for series in chosen for part in series.parts})
    return read_misses(
        session,
        run,
        ids,
        kind=kind,
        step=step,
        level=MISS_LEVEL,
        forecaster=COMBINATION,
        kept=kept,
        limit=MISSES,
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
        text("cutoff", "Forecast from", formatting.month_name),
        figure("mean", f"Forecast ({unit})", show),
        figure("lo", "80 % from", show),
        figure("hi", "80 % to", show),
        figure("actual", "Actual", show),
        figure("widths", "Distance in interval widths", formatting.ratio),
    ]
