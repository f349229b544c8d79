"""Backtest sections: errors by step, forecasters compared, interval coverage, the PIT histogram."""

from collections.abc import Sequence
from typing import Any

from forecasting.config import BASELINE, COMBINATION, LEVELS
from presentation import formatting
from presentation.charts import backtest as charts
from presentation.sections.section import Column, Section, figure, in_unit, text
from services.backtests.backtest_folds import score_unit
from services.backtests.backtest_summary import (
    BacktestScores,
    coverage_rows,
    error_rows,
    forecasters_in,
    pit_rows,
    pivot_by_step,
    pooled_rows,
)

POINTS = "percentage points"
METHODS = (
    "Means over folds and months ahead. MASE, RMSSE: error relative to the in-sample error of the seasonal naive "
    "forecast. WIS: interval width plus a penalty for each miss."
)
ERRORS = {
    "mase": "Below 1 beats repeating last year’s value. Lower is better.",
    "mae": "Lower is better. The baseline, seasonal naive, repeats last year’s value.",
}
CONDITIONS = (
    "Share of monthly outcomes inside the intervals, over all series of the run. Volatility: the last six months "
    "against the two years before. Level: the last six months against a year ago, fallen by 30 % or risen by 42 % at "
    "least. Lateness: whether months were missing that are usually known."
)
PIT = "Flat: calibrated. Peaked in the middle: intervals too wide. U-shaped: intervals too narrow. Sloped: biased."


def score_sections(scores: BacktestScores, *, kind: str, unit: str, api: str) -> list[Section]:
    """Errors by step, forecasters compared, coverage pooled and by step, the PIT histogram; values in `unit`."""
    unit = score_unit(kind, unit)
    by_step, pooled = f"{api}&by=step", f"{api}&by=forecaster"
    pit, methods = pit_rows(scores), pooled_rows(scores)
    return [
        _errors_section(scores, kind, unit, by_step),
        Section(
            name="methods",
            title="Forecasters compared",
            columns=_with_values(_method_columns(unit), methods),
            rows=methods,
            note=METHODS,
            api=pooled,
        ),
        _coverage_section(scores, pooled),
        _coverage_by_step_section(scores, by_step),
        *([_pit_section(pit, pooled)] if pit else []),
    ]


def conditional_section(rows: Sequence[dict[str, Any]], api: str) -> Section:
    """Coverage by condition at the cutoff, a row a group with a column a level."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        group = groups.setdefault((row["condition"], row["group"]), {key: row[key] for key in ("condition", "group")})
        group |= {"n": row["n"], f"coverage_{row['level']:g}": row["coverage"]}
    return Section(
        name="conditions",
        title="Coverage by condition at the cutoff",
        columns=[
            text("condition", "Condition"),
            text("group", "Group"),
            *(figure(f"coverage_{level:g}", f"{level:g} % coverage", formatting.share_of) for level in LEVELS),
            figure("n", "Outcomes"),
        ],
        rows=list(groups.values()),
        note=CONDITIONS,
        api=api,
    )


def _errors_section(scores: BacktestScores, kind: str, unit: str, api: str) -> Section:
    metric, title = ("mase", "MASE") if kind == "month" else ("mae", f"Mean absolute error ({unit})")
    errors, baseline = error_rows(scores, metric), BASELINE.replace("_", " ")
    as_naive = 1.0 if metric == "mase" else None
    return Section(
        name="errors",
        title=f"{title} by months ahead",
        columns=[
            figure("step", "Months ahead"),
            *(figure(name, name, formatting.ratio) for name in forecasters_in(errors)),
            figure("n", "Forecasts"),
        ],
        rows=pivot_by_step(errors, "forecaster"),
        spec=charts.by_step(errors, title=title, ours=COMBINATION, baseline=baseline, as_naive=as_naive)
        if errors
        else None,
        note=ERRORS[metric],
        api=api,
        open=False,
    )


def _coverage_section(scores: BacktestScores, api: str) -> Section:
    folds = scores.folds.number
    rows = coverage_rows(scores.pooled, folds)
    return Section(
        name="coverage",
        title="Interval coverage",
        columns=_coverage_columns(),
        rows=rows,
        spec=charts.coverage(rows) if rows else None,
        note="Dashed: nominal coverage. Bars: two standard errors, with each of the "
        f"{folds} cutoffs as one observation because forecasts of one cutoff have correlated errors.",
        api=api,
    )


def _coverage_by_step_section(scores: BacktestScores, api: str) -> Section:
    rows = coverage_rows(scores.steps, scores.folds.number)
    return Section(
        name="coverage-by-step",
        title="Coverage by months ahead",
        columns=[
            figure("step", "Months ahead"),
            *(figure(f"{level:g}", f"{level:g} % coverage", formatting.share_of) for level in LEVELS),
            figure("error", "Two standard errors, at most", formatting.share_of),
            figure("n", "Forecasts"),
        ],
        rows=pivot_by_step(rows, "level"),
        spec=charts.coverage_by_step(rows) if rows else None,
        note="Dashed: nominal coverage. Shaded: two standard errors of the 80 % interval.",
        api=api,
        open=False,
    )


def _pit_section(rows: Sequence[dict[str, Any]], api: str) -> Section:
    return Section(
        name="pit",
        title="Calibration (PIT histogram)",
        columns=[
            figure("from", "From", formatting.share_of),
            figure("to", "To", formatting.share_of),
            figure("share", "Share of outcomes", formatting.share_of),
            figure("n", "Forecasts"),
        ],
        rows=rows,
        spec=charts.histogram(rows),
        note=PIT,
        api=api,
        open=False,
    )


def _with_values(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> list[Column]:
    """Columns with at least one value; only monthly forecasts have scaled errors."""
    return [column for column in columns if any(row.get(column.name) is not None for row in rows)] or list(columns)


def _method_columns(unit: str) -> list[Column]:
    show = in_unit(unit)
    size = formatting.size_of_points if unit == POINTS else show
    return [
        text("forecaster", "Forecaster"),
        figure("mase", "MASE", formatting.ratio),
        figure("rmsse", "RMSSE", formatting.ratio),
        figure("smape", "sMAPE", formatting.per_cent),
        figure("mae", f"MAE ({unit})", size),
        figure("bias", f"Bias ({unit})", show),
        figure("wis", f"WIS ({unit})", size),
        figure("coverage_50", "50 % coverage", formatting.share_of),
        figure("coverage_80", "80 % coverage", formatting.share_of),
        figure("coverage_95", "95 % coverage", formatting.share_of),
        figure("n", "Forecasts"),
    ]


def _coverage_columns() -> list[Column]:
    return [
        figure("nominal", "Nominal", formatting.share_of),
        figure("value", "Coverage", formatting.share_of),
        figure("error", "Two standard errors", formatting.share_of),
        figure("n", "Forecasts"),
    ]
