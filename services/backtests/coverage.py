"""Empirical coverage of an answer: the share of outcomes inside intervals of its kind, on the folds of the backtest."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import coverage_kind
from forecasting.analysis.periods import KINDS_OF
from forecasting.config import COMBINATION, LEVELS
from services.backtests.derived_backtest import derived_scores
from services.forecasts.forecasts import period_spans
from services.queries.forecasts import RunForecastQuery
from services.series.series_paths import cutoff_number
from store.models import ResolvedSeries
from store.queries import backtests, forecasts
from store.queries.backtest_coverage import CoverageRow, pooled_coverage
from store.queries.backtests import Folds
from store.queries.runs import PublishedRunRecord

NOT_SCORED = "answers of this kind are not scored on the folds"
NOT_YET_SCORED = "no fold has an answer of this kind whose months are all observed"


class PooledCoverage(NamedTuple):
    """The share of outcomes inside intervals of one level and step, and how many different periods were scored."""

    row: CoverageRow
    periods: int


class IntervalCoverage(NamedTuple):
    """Coverage of answers of a kind, pooled over series; `reason` says why there is none.

    `levels` gives the stored levels that stand for each requested one. `of_parts` is true where the folds are those of
    the parts of a group or a balance.
    """

    kind: str | None
    reason: str | None
    series: int
    of_parts: bool
    folds: Folds
    levels: Mapping[float, Sequence[float]]
    rows: Sequence[PooledCoverage]


def forecast_coverage(
    session: Session, run: PublishedRunRecord, selected: Sequence[ResolvedSeries], query: RunForecastQuery, horizon: int
) -> IntervalCoverage:
    """The coverage of forecasts of some series, for the steps at which their periods end."""
    cutoff, spans = cutoff_number(run), period_spans(run, query, horizon)
    steps = [span.last - cutoff for span in spans]
    kind = coverage_kind(spans[0].kind if query.period else KINDS_OF[query.frequency], query.units)
    return interval_coverage(session, run, selected, kind=kind, levels=query.level, steps=steps)


def interval_coverage(
    session: Session,
    run: PublishedRunRecord,
    selected: Sequence[ResolvedSeries],
    *,
    kind: str | None,
    levels: Sequence[float],
    steps: Collection[int],
) -> IntervalCoverage:
    """Coverage of answers of a `kind` at `steps`, pooled over series.

    A single balance or group has its own coverage; among several series it stands for its parts. A level that is not
    stored is represented by the stored levels next to it.
    """
    ids = sorted({part.series_id for resolved in selected for part in resolved.parts})
    alone = len(selected) == 1 and selected[0].derived
    if alone and kind:
        found, folds = _derived_coverage(session, run, selected[0], kind)
    else:
        found = pooled_coverage(session, run.id, ids, kind=kind, forecaster=COMBINATION) if kind else []
        folds = backtests.folds(session, run.id, ids)
    reported = {stored for level in levels for stored in nearest_stored(level)}
    shown = [row for row in found if row.level in reported and row.step in {0, *steps}]
    return IntervalCoverage(
        kind=kind,
        reason=None if shown else NOT_YET_SCORED if kind else NOT_SCORED,
        series=1 if alone else len(ids),
        of_parts=not alone and any(resolved.derived for resolved in selected),
        folds=folds,
        levels={level: nearest_stored(level) for level in levels},
        rows=[PooledCoverage(row, _periods(row, found)) for row in shown],
    )


def _derived_coverage(
    session: Session, run: PublishedRunRecord, series: ResolvedSeries, kind: str
) -> tuple[list[CoverageRow], Folds]:
    """Coverage of the intervals of a balance or a group, from its own backtest."""
    probabilities = forecasts.coverage(session, run.id).probabilities
    scores = derived_scores(session, run, series, kind=kind, probabilities=probabilities)
    rows = [
        CoverageRow(row.level, row.step, row.value, row.n, 1)
        for row in scores.rows
        if row.metric == "coverage" and row.forecaster == COMBINATION
    ]
    return rows, scores.folds


def nearest_stored(level: float) -> list[float]:
    """The level itself where it is stored, else its stored neighbours below and above."""
    if level in LEVELS:
        return [level]
    below = [stored for stored in LEVELS if stored < level]
    above = [stored for stored in LEVELS if stored > level]
    return below[-1:] + above[:1]


def _periods(row: CoverageRow, rows: Sequence[CoverageRow]) -> int:
    """Number of different periods scored: a series has one forecast a period at each step."""
    steps = [other for other in rows if other.level == row.level and other.step > 0]
    counted = steps if row.step == 0 and steps else [row]
    return max(round(other.n / other.series) for other in counted)
