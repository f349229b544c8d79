"""Scores and folds of a backtest as JSON objects and CSV rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from api.rest.serializers.forecasts import month_text
from forecasting.data.months import month_text as number_text
from services.backtest_folds import Fold, Missed
from store.queries.backtest_coverage import PitBin
from store.queries.backtests import Folds, ScoreRow

UNITS = {"mase": "ratio", "rmsse": "ratio", "smape": "per cent", "coverage": "share", "dm_pvalue": "probability"}
"""Units of metrics; the others have the unit of what was forecast."""
SCORE_COLUMNS = (
    *("unique_id", "forecaster", "step", "kind", "metric", "level"),
    *("value", "baseline", "unit", "n", "series", "folds", "first_cutoff", "last_cutoff"),
)
FOLD_COLUMNS = (
    *("unique_id", "forecaster", "cutoff", "month", "step", "unit", "mean", "actual", "level", "lo", "hi"),
    "period",
)
MISS_COLUMNS = (
    *("unique_id", "period", "month", "cutoff", "step", "unit"),
    *("mean", "lo", "hi", "actual", "widths"),
)
PIT_BINS, PIT_WIDTH = 10, 10.0
"""How a run's PIT histograms are cut, in per cent."""
NO_INTERVAL: Mapping[str, None] = {"level": None, "lo": None, "hi": None}


def score_answers(rows: Iterable[ScoreRow], unique_ids: Mapping[int, str], unit: str) -> list[dict[str, Any]]:
    """Scores in JSON; `unit` is that of errors."""
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


def pit_answer(bins: Sequence[PitBin]) -> list[dict[str, Any]] | None:
    """A histogram of the PIT in JSON, empty bins among the others; None where nothing was scored."""
    total = sum(one.n for one in bins)
    counts = {one.edge: one.n for one in bins}
    edges = [round(PIT_WIDTH * place, 1) for place in range(PIT_BINS)]
    found = [{"lo": edge, "hi": edge + PIT_WIDTH, "count": counts.get(edge, 0)} for edge in edges]
    return [one | {"share": one["count"] / total} for one in found] if total else None


def folds_answer(folds: Folds) -> dict[str, Any]:
    """The folds behind scores, in JSON."""
    return {"number": folds.number, "first_cutoff": month_text(folds.first), "last_cutoff": month_text(folds.last)}


def vintage_answer(folds: Folds, vintage_cutoffs: Sequence[date]) -> dict[str, Any]:
    """How many of the folds behind scores are on what was known at their cutoff, and whether others are not."""
    within = [one for one in vintage_cutoffs if folds.first and folds.last and folds.first <= one <= folds.last]
    return {"vintage_folds": len(within), "revised_data": len(within) < folds.number}


def score_rows(scores: Iterable[dict[str, Any]], kind: str, folds: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Scores in CSV, in the order of SCORE_COLUMNS."""
    about = {**folds, "kind": kind, "folds": folds["number"]}
    for score in scores:
        yield [(score | about)[column] for column in SCORE_COLUMNS]


def fold_answer(fold: Fold, levels: Sequence[float], vintage_cutoffs: Sequence[date]) -> dict[str, Any]:
    """One fold in JSON, with intervals of these levels; `vintage_cutoffs` are those not on revised data."""
    return {
        "cutoff": month_text(fold.cutoff),
        "revised_data": fold.cutoff not in vintage_cutoffs,
        "months": [
            {
                "month": number_text(one.span.last),
                "step": one.step,
                "mean": one.mean,
                "actual": one.actual,
                "intervals": [
                    {"level": level, "lo": lo, "hi": hi}
                    for level, (lo, hi) in zip(levels, one.bounds, strict=True)
                    # A step may lack its quantiles where no error of that step was known yet.
                    if lo is not None and hi is not None
                ],
                "period": one.span.label,
            }
            for one in fold.periods
            if one.mean is not None
        ],
    }


def fold_rows(unique_id: str, forecaster: str, unit: str, folds: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Folds in CSV, in the order of FOLD_COLUMNS."""
    for fold in folds:
        for month in fold["months"]:
            head = (unique_id, forecaster, fold["cutoff"], month["month"], month["step"], unit)
            for interval in month["intervals"] or [NO_INTERVAL]:
                yield (*head, month["mean"], month["actual"], *interval.values(), month["period"])


def miss_answers(rows: Iterable[Missed], unique_ids: Mapping[int, str], unit: str) -> list[dict[str, Any]]:
    """Misses in JSON, in the order of MISS_COLUMNS."""
    return [
        {
            "unique_id": unique_ids[miss.series_id],
            "period": span.label,
            "month": number_text(span.last),
            "cutoff": month_text(miss.cutoff),
            "step": miss.step,
            "unit": unit,
            **{name: getattr(miss, name) for name in ("mean", "lo", "hi", "actual", "widths")},
        }
        for span, miss in rows
    ]
