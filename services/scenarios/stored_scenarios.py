"""Stored scenarios: computed on each run while they last, and scored once their periods are observed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from errors import TradewindError
from forecasting.analysis.periods import parse_period
from forecasting.data.months import first_day, month_number
from services.errors import ScenarioOver
from services.queries.scenarios import Question, Scenario
from services.runs.run_selection import latest_run
from services.scenarios.conditions import observed_value, resolve
from services.scenarios.scenarios import ScenarioAnswer, ScenarioRow, Summary, evaluate_scenario
from services.series.catalog_cache import CatalogCache
from services.series.series_paths import cutoff_number
from store.queries import scenarios
from store.queries.runs import PublishedRunRecord
from store.queries.scenarios import ForecastRecord, ScenarioRecord

STATED = {"conditions", "shocks", "report", "level"}


@dataclass(frozen=True, slots=True)
class ScenarioScore:
    """A stored forecast of an observed period: its outcome beside the baseline and the scenario."""

    question: Question
    unique_id: str
    period: str
    actual: float
    baseline: Summary
    scenario: Summary

    @property
    def medians(self) -> tuple[float, float]:
        """The medians of baseline and scenario."""
        assert self.baseline.median is not None
        assert self.scenario.median is not None
        return self.baseline.median, self.scenario.median

    @property
    def errors(self) -> tuple[float, float]:
        """Absolute errors of the medians of baseline and scenario."""
        baseline, scenario = self.medians
        return abs(self.actual - baseline), abs(self.actual - scenario)

    def inside(self, place: int) -> tuple[bool, bool]:
        """Whether the intervals of the level at this place, of baseline and scenario, contain the outcome."""
        bounds = self.baseline.bounds[place], self.scenario.bounds[place]
        baseline, scenario = (lo is not None and hi is not None and lo <= self.actual <= hi for lo, hi in bounds)
        return baseline, scenario


def store_scenario(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, scenario: Scenario, *, now: datetime
) -> int:
    """Store a scenario with its forecasts; gives its number. The caller commits. Raises as `evaluate_scenario` does."""
    answer = evaluate_scenario(session, catalogs, run, scenario)
    number = scenarios.add(
        session,
        dataset_id=run.dataset_id,
        run_id=run.id,
        name=scenario.name,
        author=scenario.author,
        reason=scenario.reason,
        created_at=now,
        ends=end_of(scenario),
        statement=scenario.model_dump(mode="json", include=STATED, exclude_none=True),
    )
    _write(session, number, run, answer, now)
    return number


def end_of(scenario: Scenario) -> date:
    """The last month that a scenario speaks about; of a shock its first, which shows whether it happened."""
    spoken = [period.last for condition in scenario.conditions for _, period in condition.single()]
    starts = [month_number(shock.start.year, shock.start.month) for shock in scenario.shocks]
    return first_day(max([*spoken, *starts]))


def update_scenarios(session: Session, catalogs: CatalogCache, run: PublishedRunRecord, *, now: datetime) -> int:
    """Compute the scenarios that are not over on a new run; gives their number. The caller commits.

    Statements about observed months are left out. A scenario that a run cannot answer keeps the reason.
    """
    found = scenarios.page(session, dataset=run.dataset_id, ends_after=run.cutoff, limit=10_000).rows
    for record in found:
        try:
            answer = evaluate_scenario(session, catalogs, run, ahead(stated(record), run))
        except (TradewindError, ValueError) as error:
            _write_fault(session, record.id, run, str(error), now)
        else:
            _write(session, record.id, run, answer, now)
    return len(found)


def stated(record: ScenarioRecord) -> Scenario:
    """A stored scenario as it was stated."""
    about = {"name": record.name, "author": record.author, "reason": record.reason}
    return Scenario.model_validate({**about, **record.statement})


def ahead(scenario: Scenario, run: PublishedRunRecord) -> Scenario:
    """A scenario without its statements about months that a run has observed. Raises ScenarioOver."""
    cutoff = cutoff_number(run)
    single = [pair for condition in scenario.conditions for pair in condition.single()]
    conditions = [condition for condition, period in single if period.last > cutoff]
    shocks = [shock for shock in scenario.shocks if month_number(shock.start.year, shock.start.month) > cutoff]
    if not conditions and not shocks:
        raise ScenarioOver(scenario.name, run.id)
    return scenario.model_copy(update={"conditions": conditions, "shocks": shocks})


def rows_of(session: Session, catalogs: CatalogCache, forecast: ForecastRecord) -> list[ScenarioRow]:
    """The stored rows of a run under a scenario."""
    _, catalog = catalogs.of_run(session, forecast.run_id)
    found = []
    for row in forecast.rows:
        question = Question.model_validate(row["question"])
        both = _summary(row["baseline"]), _summary(row["scenario"])
        period = parse_period(row["period"])
        found.append(ScenarioRow(question, resolve(catalog, question.series), period, *both, row["reason"]))
    return found


def scores(
    session: Session, catalogs: CatalogCache, record: ScenarioRecord, forecast: ForecastRecord
) -> list[ScenarioScore]:
    """The rows of a stored forecast whose period is observed by now, with their outcome."""
    run = latest_run(session, record.dataset_id)
    cutoff = cutoff_number(run)
    due = [row for row in rows_of(session, catalogs, forecast) if row.period.last <= cutoff]
    defined = [row for row in due if row.baseline.median is not None and row.scenario.median is not None]
    found = [(row, observed_value(session, catalogs, run, row.question, row.period)) for row in defined]
    return [
        ScenarioScore(row.question, row.series.unique_id, row.period.label, actual, row.baseline, row.scenario)
        for row, actual in found
        if actual is not None
    ]


def _write(session: Session, number: int, run: PublishedRunRecord, answer: ScenarioAnswer, now: datetime) -> None:
    unusual = answer.unusualness
    scenarios.write_forecasts(
        session,
        scenario_id=number,
        run_id=run.id,
        computed_at=now,
        methods=list(answer.methods),
        effective_draws=answer.draws,
        distance=None if unusual is None else unusual.distance,
        probability=None if unusual is None else unusual.probability,
        rows=[_stored_row(row) for row in answer.rows],
        fault=None,
    )


def _write_fault(session: Session, number: int, run: PublishedRunRecord, fault: str, now: datetime) -> None:
    nothing: dict[str, Any] = {"methods": [], "effective_draws": None, "distance": None, "probability": None}
    scenarios.write_forecasts(
        session, scenario_id=number, run_id=run.id, computed_at=now, rows=[], fault=fault, **nothing
    )


def _stored_row(row: ScenarioRow) -> dict[str, Any]:
    return {
        "question": row.question.model_dump(mode="json", exclude_none=True),
        "period": row.period.label,
        "baseline": row.baseline._asdict(),
        "scenario": row.scenario._asdict(),
        "reason": row.reason,
    }


def _summary(stored: Mapping[str, Any]) -> Summary:
    return Summary(**stored)
