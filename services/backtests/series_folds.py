"""Folds and misses of any series: stored ones from the store, derived ones from their parts."""

from collections.abc import Sequence

from sqlmodel import Session

from forecasting.analysis.periods import GROWTH, Period
from forecasting.config import COMBINATION, interval_probabilities
from forecasting.data.months import MONTHS_PER_YEAR
from services.backtests import backtest_folds
from services.backtests.backtest_folds import (
    Bases,
    Fold,
    FoldPage,
    Missed,
    MissedPage,
    fold_period,
    fold_periods,
    folds_in_growth,
    miss_in_growth,
    miss_steps,
    spans_of,
)
from services.backtests.derived_backtest import derived_folds, month_of, observed_values
from store.models import ResolvedSeries
from store.queries.backtest_folds import FoldForecast, Miss
from store.queries.runs import PublishedRunRecord

DERIVED_ID = 0
"""The series number in misses of a derived series, which has none in the store."""


def read_series_folds(
    session: Session,
    run: PublishedRunRecord,
    series: ResolvedSeries,
    *,
    kind: str,
    forecaster: str = COMBINATION,
    levels: Sequence[float],
    kept: Sequence[float],
    limit: int,
    offset: int = 0,
) -> FoldPage:
    """Folds of a forecaster for one series, newest first; `kept` are the probabilities of stored quantiles."""
    if not series.derived:
        return backtest_folds.read_folds(
            session,
            run,
            series.parts[0].series_id,
            kind=kind,
            forecaster=forecaster,
            levels=levels,
            kept=kept,
            limit=limit,
            offset=offset,
        )
    level_kind = kind.removesuffix(GROWTH)
    found = derived_folds(session, run, series, kind=level_kind, forecaster=forecaster, probabilities=kept)[::-1]
    folds = [Fold(fold.cutoff, fold_periods(fold, level_kind, levels, kept)) for fold in found[offset : offset + limit]]
    if kind != level_kind:
        folds = folds_in_growth(folds, DERIVED_ID, _derived_bases(session, run, series, spans_of(folds)))
    return FoldPage(folds, len(found))


def read_derived_misses(
    session: Session,
    run: PublishedRunRecord,
    series: ResolvedSeries,
    *,
    kind: str,
    step: int | None,
    level: float,
    kept: Sequence[float],
    limit: int,
    offset: int = 0,
) -> MissedPage:
    """The largest misses of a derived series, each period at its worst fold; misses in growth are those in level."""
    level_kind = kind.removesuffix(GROWTH)
    first, last = miss_steps(kind, step)
    steps = range(first, (min(last, MONTHS_PER_YEAR) if kind != level_kind else last) + 1)
    folds = derived_folds(session, run, series, kind=level_kind, probabilities=kept)
    worst: dict[Period, Miss] = {}
    for fold in folds:
        for span, miss in _misses(fold, level_kind, level, kept):
            if miss.step in steps and (span not in worst or miss.widths > worst[span].widths):
                worst[span] = miss
    ordered = sorted(worst.items(), key=lambda pair: (-pair[1].widths, pair[1].cutoff))
    rows = [Missed(span, miss) for span, miss in ordered[offset : offset + limit]]
    if kind != level_kind:
        bases = _derived_bases(session, run, series, {row.span for row in rows})
        rows = [missed for row in rows if (missed := miss_in_growth(row, bases)) is not None]
    return MissedPage(rows, len(ordered))


def _misses(fold: FoldForecast, kind: str, level: float, kept: Sequence[float]) -> list[tuple[Period, Miss]]:
    if fold.quantiles is None:
        return []
    bounds = [fold.quantiles[kept.index(bound)] for bound in interval_probabilities(level)]
    found = []
    for place, (mean, actual, lo, hi) in enumerate(zip(fold.means, fold.actuals, *bounds, strict=True)):
        if mean is None or actual is None or lo is None or hi is None or hi <= lo or lo <= actual <= hi:
            continue
        step = fold.step + place * fold.spacing
        widths = max(lo - actual, actual - hi) / (hi - lo)
        span = fold_period(kind, fold.cutoff, step)
        found.append((span, Miss(DERIVED_ID, fold.cutoff, step, mean, lo, hi, actual, widths)))
    return found


def _derived_bases(session: Session, run: PublishedRunRecord, series: ResolvedSeries, spans: set[Period]) -> Bases:
    """Observed values of the same periods a year earlier; None where they are not known or not positive."""
    values, start = observed_values(session, run, series)
    bases: dict[tuple[int, Period], float | None] = {}
    for span in spans:
        earlier = span.back(MONTHS_PER_YEAR)
        known = earlier.last <= month_of(run.cutoff) and earlier.first >= start
        total = float(values[earlier.first - start : earlier.last - start + 1].sum()) if known else 0.0
        bases[DERIVED_ID, span] = total if total > 0 else None
    return bases
