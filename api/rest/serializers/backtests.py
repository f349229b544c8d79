"""Scores and folds of a backtest as answers and CSV rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from api.rest.schemas.backtests import (
    CoverageAnswer,
    CoverageRowAnswer,
    FoldAnswer,
    MissAnswer,
    PitAnswer,
    ScoreAnswer,
)
from api.rest.schemas.common import FoldsAnswer
from forecasting.analysis.period_draws import share_error
from forecasting.config import COMBINATION, PIT_BINS
from forecasting.data.months import format_month, month_text
from services.backtests.backtest_folds import Fold, Missed
from services.backtests.coverage import IntervalCoverage, PooledCoverage
from store.queries.backtest_coverage import PitBin
from store.queries.backtests import Folds, ScoreRow

UNITS = {"mase": "ratio", "rmsse": "ratio", "smape": "per cent", "coverage": "share", "dm_pvalue": "probability"}
"""Units of metrics; the others have the unit of the forecast quantity."""
SCORE_COLUMNS = (
    *("unique_id", "forecaster", "step", "kind", "metric", "level"),
    *("value", "baseline", "unit", "n", "series", "folds", "first_cutoff", "last_cutoff"),
)
FOLD_COLUMNS = (
    *("unique_id", "forecaster", "cutoff", "month", "step", "unit", "mean", "actual", "level", "lo", "hi"),
    "period",
)
PIT_WIDTH = 100 / PIT_BINS
"""Number and width, in per cent, of the bins of a PIT histogram."""


def score_answers(rows: Iterable[ScoreRow], unique_ids: Mapping[int, str], unit: str) -> list[ScoreAnswer]:
    """Scores; `unit` is that of errors."""
    return [
        {
            "unique_id": None if row.series_id is None else unique_ids[row.series_id],
            "forecaster": row.forecaster,
            "step": row.step or None,
            "metric": row.metric,
            "level": row.level or None,
            "value": row.value,
            "baseline": row.baseline,
            "unit": UNITS.get(row.metric, unit),
            "n": row.n,
            "series": row.series,
        }
        for row in rows
    ]


def pit_answer(bins: Sequence[PitBin]) -> list[PitAnswer] | None:
    """A PIT histogram, including empty bins; None where nothing was scored."""
    total = sum(counted.n for counted in bins)
    if not total:
        return None
    counts = {counted.edge: counted.n for counted in bins}
    edges = [round(PIT_WIDTH * place, 1) for place in range(PIT_BINS)]
    return [
        {"lo": edge, "hi": edge + PIT_WIDTH, "count": counts.get(edge, 0), "share": counts.get(edge, 0) / total}
        for edge in edges
    ]


def folds_answer(folds: Folds) -> FoldsAnswer:
    """The folds behind scores."""
    return {
        "number": folds.number,
        "first_cutoff": format_month(folds.first),
        "last_cutoff": format_month(folds.last),
    }


def vintage_answer(folds: Folds, vintage_cutoffs: Sequence[date]) -> dict[str, Any]:
    """The number of folds that use the data known at their cutoff, and whether others use revised data."""
    first, last = folds.first, folds.last
    within = [cutoff for cutoff in vintage_cutoffs if first and last and first <= cutoff <= last]
    return {"vintage_folds": len(within), "revised_data": len(within) < folds.number}


def score_rows(scores: Iterable[ScoreAnswer], kind: str, folds: FoldsAnswer) -> Iterator[list[Any]]:
    """Scores in the order of SCORE_COLUMNS."""
    shared = {**folds, "kind": kind, "folds": folds["number"]}
    for score in scores:
        row: dict[str, Any] = {**score, **shared}
        yield [row[column] for column in SCORE_COLUMNS]


def fold_answer(fold: Fold, levels: Sequence[float], vintage_cutoffs: Sequence[date]) -> FoldAnswer:
    """A fold, with intervals of these levels; `vintage_cutoffs` are the cutoffs that do not use revised data."""
    return {
        "cutoff": format_month(fold.cutoff),
        "revised_data": fold.cutoff not in vintage_cutoffs,
        "months": [
            {
                "month": month_text(period.span.last),
                "step": period.step,
                "mean": period.mean,
                "actual": period.actual,
                "intervals": [
                    {"level": level, "lo": lo, "hi": hi}
                    for level, (lo, hi) in zip(levels, period.bounds, strict=True)
                    # A step has no quantiles where no error of that step was known yet.
                    if lo is not None and hi is not None
                ],
                "period": period.span.label,
            }
            for period in fold.periods
            if period.mean is not None
        ],
    }


def fold_rows(unique_id: str, forecaster: str, unit: str, folds: Iterable[FoldAnswer]) -> Iterator[tuple[Any, ...]]:
    """Folds in the order of FOLD_COLUMNS."""
    for fold in folds:
        for month in fold["months"]:
            head = (unique_id, forecaster, fold["cutoff"], month["month"], month["step"], unit)
            intervals: list[tuple[Any, ...]] = [tuple(interval.values()) for interval in month["intervals"]]
            for cells in intervals or [(None, None, None)]:
                yield (*head, month["mean"], month["actual"], *cells, month["period"])


def miss_answers(rows: Iterable[Missed], unique_ids: Mapping[int, str], unit: str) -> list[MissAnswer]:
    """Misses, with their distance from the interval in interval widths."""
    return [
        {
            "unique_id": unique_ids[miss.series_id],
            "period": span.label,
            "month": month_text(span.last),
            "cutoff": format_month(miss.cutoff),
            "step": miss.step,
            "unit": unit,
            "mean": miss.mean,
            "lo": miss.lo,
            "hi": miss.hi,
            "actual": miss.actual,
            "interval_widths": miss.widths,
        }
        for span, miss in rows
    ]


def coverage_answer(coverage: IntervalCoverage) -> CoverageAnswer:
    """Empirical coverage, with the folds behind it."""
    return {
        "kind": coverage.kind,
        "reason": coverage.reason,
        "forecaster": COMBINATION,
        "series": coverage.series,
        "of_parts": coverage.of_parts,
        "folds": folds_answer(coverage.folds),
        "levels": [{"level": level, "stored": list(stored)} for level, stored in coverage.levels.items()],
        "coverage": [_pooled_answer(pooled) for pooled in coverage.rows],
    }


def _pooled_answer(pooled: PooledCoverage) -> CoverageRowAnswer:
    """Coverage of a level and step, with standard errors for independent forecasts and for independent periods."""
    row = pooled.row
    return {
        "level": row.level,
        "step": row.step or None,
        "coverage": row.coverage,
        "n": row.n,
        "standard_error": share_error(row.coverage, row.n),
        "standard_error_by_period": share_error(row.coverage, pooled.periods),
    }
