"""Scores and folds of a backtest as JSON objects and CSV rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from api.answers import later_months, month_text
from forecasting.config import interval_probabilities
from store.backtests import Folds, ScoreRow, Track
from store.certificates import PitBin

UNITS = {"mase": "ratio", "rmsse": "ratio", "smape": "per cent", "coverage": "share", "dm_pvalue": "probability"}
"""Units of metrics; the others have the unit of what was forecast."""
SCORE_COLUMNS = (
    *("unique_id", "forecaster", "step", "kind", "metric", "level"),
    *("value", "baseline", "unit", "n", "series", "folds", "first_cutoff", "last_cutoff"),
)
FOLD_COLUMNS = ("unique_id", "forecaster", "cutoff", "month", "step", "unit", "mean", "actual", "level", "lo", "hi")
PIT_BINS, PIT_WIDTH = 10, 10.0
"""How a run's PIT histograms are cut, in per cent."""
NO_INTERVAL: Mapping[str, None] = {"level": None, "lo": None, "hi": None}


def score_unit(kind: str, dataset_unit: str) -> str:
    """The unit of an error in what was forecast."""
    return "percentage points" if kind.endswith("_growth") else dataset_unit


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


def score_rows(scores: Iterable[dict[str, Any]], kind: str, folds: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Scores in CSV, in the order of SCORE_COLUMNS."""
    about = {**folds, "kind": kind, "folds": folds["number"]}
    for score in scores:
        yield [(score | about)[column] for column in SCORE_COLUMNS]


def fold_answer(track: Track, levels: Sequence[float], kept: Sequence[float]) -> dict[str, Any]:
    """One fold in JSON; `kept` are the probabilities of the track's quantiles."""
    months = later_months(track.cutoff, len(track.means))
    return {
        "cutoff": month_text(track.cutoff),
        "months": [
            {
                "month": months[place],
                "step": place + 1,
                "mean": mean,
                "actual": track.actuals[place],
                "intervals": _intervals(track.quantiles, place, levels, kept),
            }
            for place, mean in enumerate(track.means)
        ],
    }


def _intervals(
    quantiles: list[list[float | None]] | None, place: int, levels: Sequence[float], kept: Sequence[float]
) -> list[dict[str, float]]:
    if quantiles is None:
        return []
    found = []
    for level in levels:
        lo, hi = (quantiles[kept.index(probability)][place] for probability in interval_probabilities(level))
        # A step may lack its quantiles where no error of that step was known yet.
        if lo is not None and hi is not None:
            found.append({"level": level, "lo": lo, "hi": hi})
    return found


def fold_rows(unique_id: str, forecaster: str, unit: str, folds: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Folds in CSV, in the order of FOLD_COLUMNS."""
    for fold in folds:
        for month in fold["months"]:
            head = (unique_id, forecaster, fold["cutoff"], month["month"], month["step"], unit)
            for interval in month["intervals"] or [NO_INTERVAL]:
                yield (*head, month["mean"], month["actual"], *interval.values())
