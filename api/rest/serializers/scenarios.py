"""Rows of answers about scenarios."""

from typing import TYPE_CHECKING

from api.rest.schemas.scenarios import IntervalOfScenario, ScenarioRowAnswer, SummaryAnswer
from forecasting.analysis.period_draws import answer_unit
from services.series.series_catalog import SeriesCatalog

if TYPE_CHECKING:
    from services.scenarios.scenarios import ScenarioRow, Summary

ROW_COLUMNS = (
    *("unique_id", "name", "units", "unit", "period", "level"),
    *("baseline_mean", "baseline_median", "baseline_lo", "baseline_hi", "baseline_probability"),
    *("scenario_mean", "scenario_median", "scenario_lo", "scenario_hi", "scenario_probability", "reason"),
)


def scenario_row(row: "ScenarioRow", catalog: SeriesCatalog, levels: list[float]) -> ScenarioRowAnswer:
    """One series in one period, in the baseline and in the scenario."""
    partner, sector = catalog.partners[row.series.partner], catalog.sectors[row.series.sector]
    return {
        "unique_id": row.series.unique_id,
        "name": f"{partner}, {sector}",
        "units": row.question.units,
        "unit": answer_unit(row.question.units, catalog.unit_of(row.series)),
        "period": row.period.label,
        "baseline": _summary(row.baseline, levels),
        "scenario": _summary(row.scenario, levels),
        "reason": row.reason,
    }


def _summary(summary: "Summary", levels: list[float]) -> SummaryAnswer:
    intervals: list[IntervalOfScenario] = [
        {"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in zip(levels, summary.bounds, strict=True)
    ]
    return {
        "mean": summary.mean,
        "median": summary.median,
        "probability": summary.probability,
        "intervals": intervals,
    }


def scenario_cells(row: ScenarioRowAnswer) -> list[tuple[object, ...]]:
    """A row of CSV for each level."""
    before, after = row["baseline"], row["scenario"]
    head = (row["unique_id"], row["name"], row["units"], row["unit"], row["period"])
    return [
        (
            *(*head, old["level"], before["mean"], before["median"], old["lo"], old["hi"], before["probability"]),
            *(after["mean"], after["median"], new["lo"], new["hi"], after["probability"], row["reason"]),
        )
        for old, new in zip(before["intervals"], after["intervals"], strict=True)
    ]
