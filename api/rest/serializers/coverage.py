"""Empirical coverage in JSON."""

from typing import Any

from api.rest.serializers.backtests import folds_answer
from forecasting.analysis.period_draws import share_error
from forecasting.config import COMBINATION
from services.coverage import IntervalCoverage, PooledCoverage


def coverage_answer(coverage: IntervalCoverage) -> dict[str, Any]:
    """The coverage of an answer, with the folds it rests on."""
    return {
        "kind": coverage.kind,
        "reason": coverage.reason,
        "forecaster": COMBINATION,
        "series": coverage.series,
        "of_parts": coverage.of_parts,
        "folds": folds_answer(coverage.folds),
        "levels": [{"level": level, "stored": stored} for level, stored in coverage.levels.items()],
        "coverage": [_pooled(pooled) for pooled in coverage.rows],
    }


def _pooled(pooled: PooledCoverage) -> dict[str, Any]:
    """One level and step, with standard errors for independent forecasts and for independent periods."""
    row = pooled.row
    return {
        "level": row.level,
        "step": row.step or None,
        "coverage": row.coverage,
        "n": row.n,
        "standard_error": share_error(row.coverage, row.n),
        "standard_error_by_period": share_error(row.coverage, pooled.periods),
    }
