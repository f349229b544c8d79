"""Sections of scenarios: the forecast in one chart, effects by series, the runs so far, and outcomes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from forecasting.analysis.periods import Period
from presentation import formatting, links
from presentation.charts.scenarios import BASELINE, scenario_lines
from presentation.sections.forecast import with_tooltips
from presentation.sections.section import Section, figure, in_unit, text
from services.forecasts.period_summary import unit_in_words
from services.history.forecast_history import history_start, observed_rows
from services.runs.published_run import PublishedRun, iso_day
from services.scenarios.scenario_form import LEVEL
from store.models import ResolvedSeries
from store.queries.scenarios import ForecastRecord, ScenarioRecord

if TYPE_CHECKING:
    # They load SciPy, which the web needs for no other page.
    from services.scenarios.scenarios import ScenarioAnswer, ScenarioRow, Summary
    from services.scenarios.stored_scenarios import ScenarioScore

YEARS_SHOWN = 4


class ApiCall(NamedTuple):
    """The path of the API that gives the same figures, and the JSON to be posted to it."""

    path: str
    body: str | None = None


def forecast_section(
    published: PublishedRun, shown: ResolvedSeries, answers: "Mapping[str, ScenarioAnswer]", call: ApiCall
) -> Section:
    """The months of one series under each scenario and in the baseline."""
    months = {
        name: [row for row in answer.rows if row.series == shown and row.period.kind == "month"]
        for name, answer in answers.items()
    }
    first = next(iter(months.values()))
    forecasts = {BASELINE: _forecast_rows(published, [(row, row.baseline) for row in first])}
    forecasts |= {
        name: _forecast_rows(published, [(row, row.scenario) for row in rows]) for name, rows in months.items()
    }
    (paths,) = published.read_paths([shown], years=YEARS_SHOWN)
    since = history_start("M", published.last, YEARS_SHOWN)
    observed = with_tooltips(observed_rows(paths, "lin", "M", None), published.unit)
    show = in_unit(published.unit)
    return Section(
        name="forecasts",
        title=f"{published.name(shown)}, by month",
        columns=[
            text("forecast", "Forecast", formatting.unbroken),
            text("period", "Month", formatting.period_name),
            figure("median", f"Median ({published.unit})", show),
            figure("lo_80", "80 % from", show),
            figure("hi_80", "80 % to", show),
        ],
        rows=[{"forecast": name, **row} for name, rows in forecasts.items() for row in rows],
        spec=scenario_lines([row for row in observed if row["month"] >= since], forecasts, unit=published.unit),
        note="Observations, and medians with their 80 % prediction intervals.",
        open=False,
        api=call.path,
        body=call.body,
    )


def effects_section(published: PublishedRun, answer: "ScenarioAnswer", year: Period, call: ApiCall) -> Section:
    """Level and growth of each series in a year, in the baseline and in the scenario, the largest changes first."""
    rows = effect_rows(published, answer, year)
    show = in_unit(published.unit)
    return Section(
        name="effects",
        title=f"Effects on the year {year.label}",
        columns=[
            text("series", "Series"),
            figure("baseline", f"Baseline ({published.unit})", show),
            figure("scenario", "Scenario", show),
            figure("lo", "80 % from", show),
            figure("hi", "80 % to", show),
            figure("change", "Difference", formatting.per_cent_change),
            figure("growth_baseline", "Baseline growth", formatting.per_cent_change),
            figure("growth_scenario", "Scenario growth", formatting.per_cent_change),
        ],
        rows=rows,
        note="Medians, the largest differences first. Growth is on the year before.",
        api=call.path,
        body=call.body,
    )


def effect_rows(published: PublishedRun, answer: "ScenarioAnswer", year: Period) -> list[dict[str, Any]]:
    """A row for each series, the largest differences first."""
    flows = {row.series.flow for row in answer.rows}
    names = published.name if len(flows) > 1 else lambda series: published.partner_name(series.partner)
    growth = {row.series.unique_id: row for row in answer.rows if row.period == year and row.question.units == "pc1"}
    found = []
    for row in answer.rows:
        before, after = row.baseline.median, row.scenario.median
        if row.period != year or row.question.units != "lin" or before is None or after is None:
            continue
        lo, hi = row.scenario.bounds[0]
        own = growth.get(row.series.unique_id)
        found.append(
            {
                "series": names(row.series),
                "baseline": before,
                "scenario": after,
                "lo": lo,
                "hi": hi,
                "difference": after - before,
                "change": 100 * (after / before - 1) if before > 0 else None,
                "growth_baseline": own.baseline.median if own else None,
                "growth_scenario": own.scenario.median if own else None,
            }
        )
    return sorted(found, key=lambda effect: -abs(effect["difference"]))


def effect_sentence(published: PublishedRun, shown: ResolvedSeries, answer: "ScenarioAnswer", year: Period) -> str:
    """The level of the shown series in the year, beside the baseline; empty where it is not defined."""
    row = next((row for row in answer.rows if row.series == shown and row.period == year), None)
    if row is None or row.scenario.median is None or row.baseline.median is None:
        return ""
    show = in_unit(published.unit)
    lo, hi = row.scenario.bounds[0]
    text_ = (
        f"{published.name(shown)} in {year.label}: {show(row.scenario.median)}, "
        f"80 % interval {show(lo)} to {show(hi)}; baseline {show(row.baseline.median)}"
    )
    if row.baseline.median > 0:
        change = 100 * (row.scenario.median / row.baseline.median - 1)
        text_ += f" ({formatting.per_cent_change(change)})"
    return f"{text_}."


def method_sentence(answer: "ScenarioAnswer") -> str:
    """The methods, the effective draws, and how unusual the scenario is."""
    methods = ", then ".join(dict.fromkeys(answer.methods)) or "none"
    text_ = f"Method: {methods}. Effective draws: {answer.draws:,.0f}."
    if answer.unusualness is not None:
        distance, probability = answer.unusualness.distance, answer.unusualness.probability
        text_ += (
            f" Distance from the forecast: {formatting.digits(distance, 2)} standard deviations"
            f" (probability {formatting.share(probability)})."
        )
    return text_


def history_section(
    published: PublishedRun, record: ScenarioRecord, stored: "Sequence[tuple[ForecastRecord, ScenarioRow | None]]"
) -> Section:
    """The scenario in every run that it was computed on: the first row of its report in the last period."""
    show = in_unit(published.unit)
    question = next((row for _, row in stored if row is not None), None)
    if question is not None:
        show = in_unit(unit_in_words(question.question.units, published.unit))
    rows = [
        {
            "run": forecast.run_id,
            "as_of": forecast.as_of,
            "baseline": row.baseline.median if row else None,
            "scenario": row.scenario.median if row else None,
            "probability": forecast.probability,
            "fault": forecast.fault or "",
        }
        for forecast, row in stored
    ]
    about = (
        ""
        if question is None
        else f": {published.name(question.series)}, {formatting.period_name(question.period.label)}"
    )
    return Section(
        name="history",
        title=f"Runs so far{about}",
        columns=[
            figure("run", "Run"),
            text("as_of", "As of", formatting.day_name),
            figure("baseline", "Baseline", show),
            figure("scenario", "Scenario", show),
            figure("probability", "Probability", formatting.share),
            text("fault", "Not computed because"),
        ],
        rows=rows,
        note="Medians of each run on which the scenario was computed.",
        api=links.api_scenario(record.id, "history"),
    )


def score_section(published: PublishedRun, record: ScenarioRecord, scores: "Sequence[ScenarioScore]") -> Section:
    """Outcomes beside the forecasts of the scenario and its baseline when it was stated."""
    rows = [
        {
            "series": score.unique_id,
            "period": score.period,
            "units": unit_in_words(score.question.units, published.unit),
            "actual": score.actual,
            "baseline": score.medians[0],
            "scenario": score.medians[1],
            "baseline_error": score.errors[0],
            "scenario_error": score.errors[1],
        }
        for score in scores
    ]
    return Section(
        name="scores",
        title="Outcomes",
        columns=[
            text("series", "Series"),
            text("period", "Period", formatting.period_name),
            text("units", "Unit"),
            figure("actual", "Actual"),
            figure("baseline", "Baseline"),
            figure("scenario", "Scenario"),
            figure("baseline_error", "Error of the baseline"),
            figure("scenario_error", "Error of the scenario"),
        ],
        rows=rows,
        note=f"Medians of run {record.run_id}, on which the scenario was stated, and absolute errors.",
        api=links.api_scenario(record.id, "scores"),
    )


def _forecast_rows(published: PublishedRun, found: "Sequence[tuple[ScenarioRow, Summary]]") -> list[dict[str, Any]]:
    rows = [
        {
            "period": row.period.label,
            "month": iso_day(row.period.last),
            "median": summary.median,
            "lo_80": summary.bounds[0][0],
            "hi_80": summary.bounds[0][1],
        }
        for row, summary in found
    ]
    return with_tooltips(rows, published.unit, (LEVEL,))
