"""Backtest scores as rows for charts and tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from forecasting.analysis.period_draws import share_error
from forecasting.config import BASELINE, COMBINATION, PIT_BINS
from services.backtests.derived_backtest import derived_scores
from services.runs.published_run import PublishedRun
from store.models import ResolvedSeries
from store.queries import backtests
from store.queries.backtests import Folds, ScoreRow

Row = dict[str, Any]
SUMMARY = ("mase", "rmsse", "smape", "mae", "bias", "wis")
STANDARD_ERRORS = 2.0
BY: tuple[backtests.By, backtests.By] = ("step", "forecaster")


class BacktestScores(NamedTuple):
    """Scores of some series for one kind of period, by step and pooled, and the folds they are computed on."""

    steps: list[ScoreRow]
    pooled: list[ScoreRow]
    folds: Folds


def read_short_scores(published: PublishedRun, series: ResolvedSeries, kind: str) -> BacktestScores:
    """Scores of the combination by step and of every forecaster pooled, of a stored series."""
    ids = [part.series_id for part in series.parts]
    steps, pooled = (
        backtests.scores(
            published.session, published.run.id, ids, by=by, forecaster=COMBINATION, kind=kind, baseline=BASELINE
        )
        for by in BY
    )
    return BacktestScores(steps, pooled, backtests.folds(published.session, published.run.id, ids))


def read_scores(published: PublishedRun, chosen: Sequence[ResolvedSeries], kind: str) -> BacktestScores:
    """Scores of every forecaster by step and pooled over steps: of one derived series, or pooled over stored ones."""
    if len(chosen) == 1 and chosen[0].derived:
        found = derived_scores(
            published.session, published.run, chosen[0], kind=kind, probabilities=published.probabilities
        )
        by_step = [row for row in found.rows if row.step > 0]
        return BacktestScores(by_step, [row for row in found.rows if row.step == 0], found.folds)
    ids = sorted({part.series_id for series in chosen for part in series.parts})
    selection = {"kind": kind, "baseline": BASELINE}
    pooled = backtests.scores(
        published.session, published.run.id, ids, by="forecaster", forecaster=COMBINATION, **selection
    )
    steps: list[ScoreRow] = []
    for name in sorted({row.forecaster for row in pooled}):
        steps += backtests.scores(published.session, published.run.id, ids, by="step", forecaster=name, **selection)
    return BacktestScores(steps, pooled, backtests.folds(published.session, published.run.id, ids))


def error_rows(scores: BacktestScores, metric: str) -> list[Row]:
    """Values of one metric: one row for each forecaster and step."""
    return [
        {"forecaster": row.forecaster.replace("_", " "), "step": row.step, "value": row.value, "n": row.n}
        for row in scores.steps
        if row.metric == metric
    ]


def forecasters_in(rows: Sequence[Row]) -> list[str]:
    """Names of the forecasters in rows, the combination and the baseline first."""
    first = [COMBINATION, BASELINE.replace("_", " ")]
    names = {row["forecaster"] for row in rows}
    return [*(name for name in first if name in names), *sorted(names - set(first))]


def pivot_by_step(rows: Sequence[Row], key: str) -> list[Row]:
    """One row for each step with the values of each forecaster or level as columns; `error` is the largest of them."""
    table: dict[int, Row] = {}
    for row in rows:
        cells = table.setdefault(row["step"], {"step": row["step"], "n": row["n"]})
        name = row[key] if isinstance(row[key], str) else f"{row[key]:g}"
        cells[name] = row["value"]
        if "error" in row:
            cells["error"] = max(cells.get("error", 0.0), row["error"])
    return [table[step] for step in sorted(table)]


def pooled_rows(scores: BacktestScores) -> list[Row]:
    """One row for each forecaster with its metrics as columns, the most accurate first."""
    table: dict[str, Row] = {}
    for row in scores.pooled:
        cells = table.setdefault(row.forecaster, {"forecaster": row.forecaster.replace("_", " "), "n": row.n})
        if row.metric in SUMMARY:
            cells[row.metric] = row.value
        elif row.metric == "coverage":
            cells[f"coverage_{row.level:g}"] = row.value
    return sorted(table.values(), key=lambda row: (row.get("mase") is None, row.get("mase", row.get("mae", 0.0))))


def coverage_rows(rows: Sequence[ScoreRow], folds: int) -> list[Row]:
    """Coverage of the combination's intervals: level, step, nominal, value, lo and hi at two standard errors, n.

    A cutoff counts as one observation, whatever the number of its series and steps, because their errors are
    correlated. Long steps have fewer cutoffs.
    """
    found = []
    for row in rows:
        if row.metric != "coverage" or row.forecaster != COMBINATION:
            continue
        cutoffs = max(min(folds, round(row.n / row.series)), 1)
        error = STANDARD_ERRORS * share_error(row.value, cutoffs)
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


def pit_rows(scores: BacktestScores) -> list[Row]:
    """The PIT histogram: from, to, share, flat (the uniform share), n; empty where the run stored none."""
    counts = {row.level: row.n for row in scores.pooled if row.metric == "pit" and row.forecaster == COMBINATION}
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
