"""Scores of a backtest as rows for charts and tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from forecasting.analysis.period_draws import share_error
from forecasting.config import BASELINE, COMBINATION
from services.published_run import PublishedRun
from store.queries import backtests
from store.queries.backtests import Folds, ScoreRow

Row = dict[str, Any]
SUMMARY = ("mase", "rmsse", "smape", "mae", "bias", "wis")
TWO_ERRORS = 2.0
PIT_BINS = 10


class Record(NamedTuple):
    """Every score of some series at one kind of period, and the folds behind them."""

    steps: list[ScoreRow]
    pooled: list[ScoreRow]
    folds: Folds


def read_record(desk: PublishedRun, ids: Sequence[int], kind: str) -> Record:
    """Scores by step of every forecaster, and pooled over steps."""
    asked = {"kind": kind, "baseline": BASELINE}
    pooled = backtests.scores(desk.session, desk.run.id, ids, by="forecaster", forecaster=COMBINATION, **asked)
    steps: list[ScoreRow] = []
    for name in sorted({row.forecaster for row in pooled}):
        steps += backtests.scores(desk.session, desk.run.id, ids, by="step", forecaster=name, **asked)
    return Record(steps, pooled, backtests.folds(desk.session, desk.run.id, ids))


def error_rows(record: Record, metric: str) -> list[Row]:
    """One metric: a row a forecaster and step."""
    return [
        {"forecaster": row.forecaster.replace("_", " "), "step": row.step, "value": row.value, "n": row.n}
        for row in record.steps
        if row.metric == metric
    ]


def forecasters_in(rows: Sequence[Row]) -> list[str]:
    """The forecasters of rows, the combination and the baseline first."""
    first = [COMBINATION, BASELINE.replace("_", " ")]
    names = {row["forecaster"] for row in rows}
    return [*(name for name in first if name in names), *sorted(names - set(first))]


def beside(rows: Sequence[Row], key: str) -> list[Row]:
    """Rows of one step as one row, the values under their forecaster or level; `error` is the largest of them."""
    table: dict[int, Row] = {}
    for row in rows:
        mine = table.setdefault(row["step"], {"step": row["step"], "n": row["n"]})
        name = row[key] if isinstance(row[key], str) else f"{row[key]:g}"
        mine[name] = row["value"]
        if "error" in row:
            mine["error"] = max(mine.get("error", 0.0), row["error"])
    return [table[step] for step in sorted(table)]


def forecaster_rows(record: Record) -> list[Row]:
    """A row a forecaster, its metrics side by side, the best first."""
    table: dict[str, Row] = {}
    for row in record.pooled:
        mine = table.setdefault(row.forecaster, {"forecaster": row.forecaster.replace("_", " "), "n": row.n})
        if row.metric in SUMMARY:
            mine[row.metric] = row.value
        elif row.metric == "coverage":
            mine[f"coverage_{row.level:g}"] = row.value
    return sorted(table.values(), key=lambda row: (row.get("mase") is None, row.get("mase", row.get("mae", 0.0))))


def coverage_rows(rows: Sequence[ScoreRow], folds: int) -> list[Row]:
    """Coverage of the combination's intervals: level, step, nominal, value, lo and hi by two sampling errors, n.

    A cutoff counts as one case, whatever the number of its series and steps: they rise and fall together. A late step
    has fewer cutoffs behind it.
    """
    found = []
    for row in rows:
        if row.metric != "coverage" or row.forecaster != COMBINATION:
            continue
        cutoffs = max(min(folds, round(row.n / row.series)), 1)
        error = TWO_ERRORS * share_error(row.value, cutoffs)
        found.append(
            {
                "level": row.level,
                "step": row.step,
                "nominal": row.level / 100,
                "value": row.value,
                "error": error,
                "lo": max(row.value - error, 0.0),
                "hi": min(row.value + error, 1.0),
                "n": row.n,
            }
        )
    return found


def pit_rows(record: Record) -> list[Row]:
    """The PIT histogram: from, to, share, flat, n; empty where the run kept none."""
    counts = {row.level: row.n for row in record.pooled if row.metric == "pit" and row.forecaster == COMBINATION}
    total = sum(counts.values())
    if not total:
        return []
    edges = [place * 100 / PIT_BINS for place in range(PIT_BINS)]
    return [
        {
            "from": edge / 100,
            "to": (edge + 100 / PIT_BINS) / 100,
            "share": counts.get(edge, 0) / total,
            "flat": 1 / PIT_BINS,
            "n": counts.get(edge, 0),
        }
        for edge in edges
    ]
