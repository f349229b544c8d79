"""A certificate: how often intervals like those of an answer held what came, on the folds of the backtest."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlmodel import Session

from api.rest.serializers.backtests import folds_answer
from forecasting.analysis.period_draws import scored_kind, share_error
from forecasting.analysis.spans import KINDS_OF
from forecasting.config import COMBINATION, LEVELS
from services.forecasts import spans_asked
from services.queries import RunForecastQuery
from services.series_catalog import Chosen
from services.series_paths import cutoff_number
from store.queries import backtests
from store.queries.backtest_coverage import CoverageRow, pooled_coverage
from store.queries.runs import RunRecord

NOT_SCORED = "answers of this kind are not scored on the folds"
NOTHING_YET = "no fold has an answer of this kind whose months are all known by now"


def forecast_certificate(
    session: Session, run: RunRecord, chosen: Sequence[Chosen], query: RunForecastQuery, horizon: int
) -> dict[str, Any]:
    """The certificate of forecasts of some series, for the steps at which their periods end."""
    cutoff, spans = cutoff_number(run), spans_asked(run, query, horizon)
    steps = [span.last - cutoff for span in spans]
    kind = scored_kind(spans[0].kind if query.period else KINDS_OF[query.frequency], query.units)
    return certificate(session, run, chosen, kind=kind, levels=query.level, steps=steps)


def certificate(
    session: Session,
    run: RunRecord,
    chosen: Sequence[Chosen],
    *,
    kind: str | None,
    levels: Sequence[float],
    steps: Collection[int],
) -> dict[str, Any]:
    """What is known of answers of a `kind` to `steps` about some series, pooled; a group stands for its members.

    A level that is not stored is told by the stored ones about it.
    """
    ids = sorted({part.series_id for one in chosen for part in one.parts})
    found = pooled_coverage(session, run.id, ids, kind=kind, forecaster=COMBINATION) if kind else []
    told = sorted({stored for level in levels for stored in stored_about(level)})
    shown = [row for row in found if row.level in told and row.step in {0, *steps}]
    return {
        "kind": kind,
        "reason": None if shown else NOTHING_YET if kind else NOT_SCORED,
        "forecaster": COMBINATION,
        "series": len(ids),
        "of_parts": any(one.derived for one in chosen),
        "folds": folds_answer(backtests.folds(session, run.id, ids)),
        "levels": [{"level": level, "stored": stored_about(level)} for level in levels],
        "coverage": [coverage_answer(row, _periods(row, found)) for row in shown],
    }


def stored_about(level: float) -> list[float]:
    """The level itself where it is stored, else the next below and the next above, as far as there are."""
    if level in LEVELS:
        return [level]
    below = [stored for stored in LEVELS if stored < level]
    above = [stored for stored in LEVELS if stored > level]
    return below[-1:] + above[:1]


def coverage_answer(row: CoverageRow, periods: int) -> dict[str, Any]:
    """A coverage in JSON, with its standard error were every forecast independent, and were only every period."""
    return {
        "level": row.level,
        "step": row.step or None,
        "coverage": row.coverage,
        "n": row.n,
        "standard_error": share_error(row.coverage, row.n),
        "standard_error_by_period": share_error(row.coverage, periods),
    }


def _periods(row: CoverageRow, rows: Sequence[CoverageRow]) -> int:
    """How many different periods were scored: a series has as many forecasts at one step as there were."""
    steps = [other for other in rows if other.level == row.level and other.step > 0]
    alike = steps if row.step == 0 and steps else [row]
    return max(round(other.n / other.series) for other in alike)
