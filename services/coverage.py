"""Empirical coverage of an answer: the share of outcomes inside intervals of its kind, on the folds of the backtest."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import coverage_kind
from forecasting.analysis.periods import KINDS_OF
from forecasting.config import COMBINATION, LEVELS
from services.forecasts import spans_asked
from services.queries import RunForecastQuery
from services.series_paths import cutoff_number
from store.models import ResolvedSeries
from store.queries import backtests
from store.queries.backtest_coverage import CoverageRow, pooled_coverage
from store.queries.backtests import Folds
from store.queries.runs import PublishedRunRecord

NOT_SCORED = "answers of this kind are not scored on the folds"
NOTHING_YET = "no fold has an answer of this kind whose months are all known by now"


class PooledCoverage(NamedTuple):
    """The share of outcomes inside intervals of one level and step, and how many different periods were scored."""

    row: CoverageRow
    periods: int


class IntervalCoverage(NamedTuple):
    """Coverage of answers like one, pooled over its series; `reason` says why there is none.

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
    session: Session, run: PublishedRunRecord, chosen: Sequence[ResolvedSeries], query: RunForecastQuery, horizon: int
) -> IntervalCoverage:
    """The coverage of forecasts of some series, for the steps at which their periods end."""
    cutoff, spans = cutoff_number(run), spans_asked(run, query, horizon)
    steps = [span.last - cutoff for span in spans]
    kind = coverage_kind(spans[0].kind if query.period else KINDS_OF[query.frequency], query.units)
    return interval_coverage(session, run, chosen, kind=kind, levels=query.level, steps=steps)


def interval_coverage(
    session: Session,
    run: PublishedRunRecord,
    chosen: Sequence[ResolvedSeries],
    *,
    kind: str | None,
    levels: Sequence[float],
    steps: Collection[int],
) -> IntervalCoverage:
    """What is known of answers of a `kind` to `steps` about some series, pooled; a group stands for its members.

    A level that is not stored is told by the stored ones about it.
    """
    ids = sorted({part.series_id for one in chosen for part in one.parts})
    found = pooled_coverage(session, run.id, ids, kind=kind, forecaster=COMBINATION) if kind else []
    told = sorted({stored for level in levels for stored in stored_about(level)})
    shown = [row for row in found if row.level in told and row.step in {0, *steps}]
    return IntervalCoverage(
        kind=kind,
        reason=None if shown else NOTHING_YET if kind else NOT_SCORED,
        series=len(ids),
        of_parts=any(one.derived for one in chosen),
        folds=backtests.folds(session, run.id, ids),
        levels={level: stored_about(level) for level in levels},
        rows=[PooledCoverage(row, _periods(row, found)) for row in shown],
    )


def stored_about(level: float) -> list[float]:
    """The level itself where it is stored, else the next below and the next above, as far as there are."""
    if level in LEVELS:
        return [level]
    below = [stored for stored in LEVELS if stored < level]
    above = [stored for stored in LEVELS if stored > level]
    return below[-1:] + above[:1]


def _periods(row: CoverageRow, rows: Sequence[CoverageRow]) -> int:
    """How many different periods were scored: a series has as many forecasts at one step as there were."""
    steps = [other for other in rows if other.level == row.level and other.step > 0]
    alike = steps if row.step == 0 and steps else [row]
    return max(round(other.n / other.series) for other in alike)
