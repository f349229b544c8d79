"""Blocks about scores: errors by step, forecasters side by side, coverage, the PIT histogram."""

from collections.abc import Sequence
from typing import Any

from forecasting.config import BASELINE, COMBINATION, LEVELS
from presentation import formatting
from presentation.charts import backtest as charts
from presentation.sections.section import Column, Section, figure, in_unit, text
from services.backtest_folds import score_unit
from services.backtest_summary import (
    Record,
    beside,
    coverage_rows,
    error_rows,
    forecaster_rows,
    forecasters_in,
    pit_rows,
)
from services.published_run import PublishedRun

POINTS = "percentage points"
METHODS = (
    "Means over the folds and all months ahead. MASE, RMSSE: error over that of last year’s value in the known past. "
    "WIS: width of intervals plus a fine for each miss."
)
ERRORS = {
    "mase": "Below 1 is better than last year’s value was within the known past. Lower is better.",
    "mae": "Lower is better. The combination and the baseline, which is last year’s value.",
}
PIT = (
    "The PIT histogram: level where forecasts are calibrated, a hump where they are too wide, a bowl where they are "
    "too narrow, a slope where they are biased."
)


def score_blocks(desk: PublishedRun, record: Record, *, kind: str, api: str) -> list[Section]:
    """Errors by step, forecasters side by side, coverage pooled and by step, the PIT histogram."""
    unit = score_unit(kind, desk.unit)
    by_step, pooled = f"{api}&by=step", f"{api}&by=forecaster"
    pit, methods = pit_rows(record), forecaster_rows(record)
    return [
        _errors_block(record, kind, unit, by_step),
        Section(
            name="methods",
            title="Forecasters side by side",
            columns=_known(_method_columns(unit), methods),
            rows=methods,
            note=METHODS,
            api=pooled,
        ),
        _coverage_block(record, pooled),
        _coverage_by_step_block(record, by_step),
        *([_pit_block(pit, pooled)] if pit else []),
    ]


def _errors_block(record: Record, kind: str, unit: str, api: str) -> Section:
    metric, title = ("mase", "MASE") if kind == "month" else ("mae", f"Mean absolute error ({unit})")
    errors, baseline = error_rows(record, metric), BASELINE.replace("_", " ")
    as_naive = 1.0 if metric == "mase" else None
    return Section(
        name="errors",
        title=f"{title} by months ahead",
        columns=[
            figure("step", "Months ahead"),
            *(figure(name, name, formatting.ratio) for name in forecasters_in(errors)),
            figure("n", "Forecasts"),
        ],
        rows=beside(errors, "forecaster"),
        spec=charts.by_step(errors, title=title, ours=COMBINATION, baseline=baseline, as_naive=as_naive)
        if errors
        else None,
        note=ERRORS[metric],
        api=api,
        open=False,
    )


def _coverage_block(record: Record, api: str) -> Section:
    folds = record.folds.number
    rows = coverage_rows(record.pooled, folds)
    return Section(
        name="coverage",
        title="How often intervals held what came",
        columns=_coverage_columns(),
        rows=rows,
        spec=charts.coverage(rows) if rows else None,
        note="On the dashed line, an interval holds as often as it says. Bars are two sampling errors, "
        f"each of the {folds} cutoffs counted as one case: what is forecast from one cutoff errs together.",
        api=api,
    )


def _coverage_by_step_block(record: Record, api: str) -> Section:
    rows = coverage_rows(record.steps, record.folds.number)
    return Section(
        name="coverage-by-step",
        title="Coverage by months ahead",
        columns=[
            figure("step", "Months ahead"),
            *(figure(f"{level:g}", f"{level:g} % held", formatting.share_of) for level in LEVELS),
            figure("error", "Two sampling errors, at most", formatting.share_of),
            figure("n", "Forecasts"),
        ],
        rows=beside(rows, "level"),
        spec=charts.coverage_by_step(rows) if rows else None,
        note="Dashed: nominal. Shaded: two sampling errors of the 80 % interval’s.",
        api=api,
        open=False,
    )


def _pit_block(rows: Sequence[dict[str, Any]], api: str) -> Section:
    return Section(
        name="pit",
        title="Where in its forecast distribution what came fell",
        columns=[
            figure("from", "From", formatting.share_of),
            figure("to", "To", formatting.share_of),
            figure("share", "Share of what came", formatting.share_of),
            figure("n", "Forecasts"),
        ],
        rows=rows,
        spec=charts.histogram(rows),
        note=PIT,
        api=api,
        open=False,
    )


def _known(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> list[Column]:
    """The columns in which some row has something: only months have scaled errors."""
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
        figure("coverage_50", "50 % held", formatting.share_of),
        figure("coverage_80", "80 % held", formatting.share_of),
        figure("coverage_95", "95 % held", formatting.share_of),
        figure("n", "Forecasts"),
    ]


def _coverage_columns() -> list[Column]:
    return [
        figure("nominal", "Nominal", formatting.share_of),
        figure("value", "Held what came", formatting.share_of),
        figure("error", "Two sampling errors", formatting.share_of),
        figure("n", "Forecasts"),
    ]
