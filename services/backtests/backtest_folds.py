"""Backtest forecasts and outcomes by fold and period, as levels or as growth on a year ago.

Growth is available up to a year ahead, where the value a year earlier was known at the cutoff, so that it follows from
the level. Further ahead both values are forecasts, and only their scores are stored.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.period_draws import SeriesPaths, period_sums
from forecasting.analysis.periods import GROWTH, LENGTHS, Period
from forecasting.config import interval_probabilities
from forecasting.data.months import MONTHS_PER_YEAR, month_number
from store.queries import backtest_folds
from store.queries.backtest_folds import FoldForecast, Miss
from store.queries.run_inputs import recent
from store.queries.runs import PublishedRunRecord

LONG_STEP = 12
Bounds = tuple[float | None, float | None]


class FoldPeriod(NamedTuple):
    """A period of a fold: the forecast, the bounds of each level, and the outcome."""

    span: Period
    step: int
    mean: float | None
    bounds: list[Bounds]
    actual: float | None


class Fold(NamedTuple):
    """Forecasts and outcomes of one cutoff."""

    cutoff: date
    periods: list[FoldPeriod]


class FoldPage(NamedTuple):
    """A page of folds, newest first, and the total number of folds."""

    rows: list[Fold]
    total: int


class Missed(NamedTuple):
    """A period whose outcome lay outside its interval, with its forecast; growth in per cent."""

    span: Period
    miss: Miss


class MissedPage(NamedTuple):
    """A page of misses, the largest first, and the total number of misses."""

    rows: list[Missed]
    total: int


def read_folds(
    session: Session,
    run: PublishedRunRecord,
    series_id: int,
    *,
    kind: str,
    forecaster: str,
    levels: Sequence[float],
    kept: Sequence[float],
    limit: int,
    offset: int = 0,
) -> FoldPage:
    """Folds of a forecaster for one stored series; `kept` are the probabilities of stored quantiles."""
    level_kind = kind.removesuffix(GROWTH)
    page = backtest_folds.page(
        session, run.id, series_id, forecaster=forecaster, kind=level_kind, limit=limit, offset=offset
    )
    folds = [Fold(track.cutoff, fold_periods(track, level_kind, levels, kept)) for track in page.rows]
    if kind != level_kind:
        folds = folds_in_growth(
            folds, series_id, _year_ago(session, run, {(series_id, span) for span in spans_of(folds)})
        )
    return FoldPage(folds, page.total)


def read_misses(
    session: Session,
    run: PublishedRunRecord,
    series_ids: Sequence[int],
    *,
    kind: str,
    step: int | None,
    level: float,
    forecaster: str,
    kept: Sequence[float],
    limit: int,
    offset: int = 0,
) -> MissedPage:
    """The largest misses of stored series; misses in growth are those in level, relative to the value a year ago."""
    level_kind = kind.removesuffix(GROWTH)
    first, last = miss_steps(kind, step)
    lo, hi = (kept.index(bound) for bound in interval_probabilities(level))
    page = backtest_folds.misses(
        session,
        run.id,
        series_ids,
        forecaster=forecaster,
        kind=level_kind,
        steps=(first, min(last, MONTHS_PER_YEAR) if kind != level_kind else last),
        bounds=(lo, hi),
        limit=limit,
        offset=offset,
    )
    rows = [Missed(fold_period(level_kind, miss.cutoff, miss.step), miss) for miss in page.rows]
    if kind != level_kind:
        bases = _year_ago(session, run, {(row.miss.series_id, row.span) for row in rows})
        rows = [missed for row in rows if (missed := miss_in_growth(row, bases)) is not None]
    return MissedPage(rows, page.total)


def miss_steps(kind: str, step: int | None) -> tuple[int, int]:
    """The first and last step searched for misses: one step for months, all steps up to `step` for longer periods."""
    if kind.removesuffix(GROWTH) == backtest_folds.MONTH:
        return step or 1, step or 1
    return 1, step or LONG_STEP


def fold_period(kind: str, cutoff: date, step: int) -> Period:
    """The period of a kind that ends `step` months after a cutoff."""
    last = month_number(cutoff.year, cutoff.month) + step
    return Period(last - LENGTHS[kind] + 1, last, kind)


def fold_periods(track: FoldForecast, kind: str, levels: Sequence[float], kept: Sequence[float]) -> list[FoldPeriod]:
    """The periods of a fold, with the bounds of each level."""
    found = []
    for place, mean in enumerate(track.means):
        step = track.step + place * track.spacing
        bounds = [_bounds(track.quantiles, place, level, kept) for level in levels]
        span = fold_period(kind, track.cutoff, step)
        found.append(FoldPeriod(span, step, mean, bounds, track.actuals[place]))
    return found


def _bounds(quantiles: list[list[float | None]] | None, place: int, level: float, kept: Sequence[float]) -> Bounds:
    """None where no error of that step was known at the cutoff, or where a forecaster has no intervals."""
    if quantiles is None:
        return None, None
    lo, hi = (quantiles[kept.index(bound)][place] for bound in interval_probabilities(level))
    return lo, hi


Bases = Mapping[tuple[int, Period], float | None]


def _year_ago(session: Session, run: PublishedRunRecord, wanted: set[tuple[int, Period]]) -> Bases:
    """Observed values of the same periods a year earlier, as known to the run; None unless positive."""
    if not wanted:
        return {}
    ids = sorted({series_id for series_id, _ in wanted})
    earlier = {span: span.back(MONTHS_PER_YEAR) for _, span in wanted}
    first, last = min(span.first for span in earlier.values()), max(span.last for span in earlier.values())
    seen = recent(session, run.id, ids, first=_day(first), last=_day(last))
    spans = list(earlier.items())
    bases: dict[tuple[int, Period], float | None] = {}
    for row, series_id in enumerate(ids):
        known = SeriesPaths(first, seen.values[row], seen.joined[row], np.empty((1, 0)))
        sums = period_sums(known, [span for _, span in spans]).values[0].tolist()
        bases |= {(series_id, span): value if value > 0 else None for (span, _), value in zip(spans, sums, strict=True)}
    return bases


def _day(number: int) -> date:
    return date(number // MONTHS_PER_YEAR, number % MONTHS_PER_YEAR + 1, 1)


def _growth(value: float | None, base: float) -> float | None:
    return None if value is None else 100 * (value / base - 1)


def spans_of(folds: Sequence[Fold]) -> set[Period]:
    """The periods of some folds."""
    return {period.span for fold in folds for period in fold.periods}


def folds_in_growth(folds: Sequence[Fold], series_id: int, bases: Bases) -> list[Fold]:
    """Folds as growth on a year ago, up to a year ahead where the base is known."""
    return [Fold(fold.cutoff, _periods_in_growth(fold.periods, series_id, bases)) for fold in folds]


def _periods_in_growth(periods: Sequence[FoldPeriod], series_id: int, bases: Bases) -> list[FoldPeriod]:
    found = []
    for period in periods:
        base = bases[series_id, period.span] if period.step <= MONTHS_PER_YEAR else None
        if base is not None:
            bounds = [(_growth(lo, base), _growth(hi, base)) for lo, hi in period.bounds]
            mean, actual = _growth(period.mean, base), _growth(period.actual, base)
            found.append(FoldPeriod(period.span, period.step, mean, bounds, actual))
    return found


def miss_in_growth(missed: Missed, bases: Bases) -> Missed | None:
    """A miss as growth on a year ago; None where the base is not known."""
    span, miss = missed
    base = bases[miss.series_id, span]
    if base is None:
        return None
    growth = {name: 100 * (getattr(miss, name) / base - 1) for name in ("mean", "lo", "hi", "actual")}
    return Missed(span, miss._replace(**growth))


def score_unit(kind: str, dataset_unit: str) -> str:
    """The unit of a forecast error."""
    return "percentage points" if kind.endswith(GROWTH) else dataset_unit


def value_unit(kind: str, dataset_unit: str) -> str:
    """The unit of a forecast."""
    return "%" if kind.endswith(GROWTH) else dataset_unit
