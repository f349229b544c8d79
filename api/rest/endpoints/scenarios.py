"""Scenarios: the forecasts of a run given conditions and shocks."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from api.authentication import Reader
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, SessionDep
from api.exception_handlers import UnreadableBody
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.scenarios import IntervalOfScenario, ScenarioAnswer, ScenarioRowAnswer, SummaryAnswer
from api.rest.serializers.runs import freshness_answer, run_answer
from forecasting.analysis.period_draws import answer_unit
from services.freshness import dataset_freshness
from services.parameters import Parameters
from services.queries.scenarios import Scenario
from services.run_selection import latest_run, run_of
from services.series_catalog import SeriesCatalog

if TYPE_CHECKING:
    from services.scenarios import ScenarioRow, Summary

router = APIRouter(tags=["scenarios"], dependencies=[Reader], responses=PROBLEM)
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": Scenario.model_json_schema()}}}}
COLUMNS = (
    *("unique_id", "name", "units", "unit", "period", "level"),
    *("baseline_mean", "baseline_median", "baseline_lo", "baseline_hi"),
    *("scenario_mean", "scenario_median", "scenario_lo", "scenario_hi", "reason"),
)


@router.post("/v1/datasets/{dataset}/scenarios", responses={200: {"model": ScenarioAnswer}}, openapi_extra=BODY)
def evaluate(
    dataset: DatasetPath,
    query: Annotated[Parameters, Query()],
    body: BodyDep,
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The forecasts of a run under a scenario, beside the baseline.

    A condition states a value, a bound or a mean of any series, group or balance in any period and unit; a shock states
    a cause: a change in trade with a partner or a tariff, its course in time, and how much of it is diverted. Values
    and bounds hold in every draw, and parts add up in every draw. `distance` and `probability` say how unusual the
    conditions are; conditions that contradict one another are refused (422).
    """
    from services.scenarios import evaluate_scenario  # noqa: PLC0415 - it loads SciPy, which other answers do not need

    scenario = _scenario(body)
    run = latest_run(session, dataset) if scenario.run is None else run_of(session, dataset, scenario.run)
    coverage, catalog = catalogs.of_run(session, run.id)
    found = evaluate_scenario(session, run, catalog, scenario)
    rows = [_row(row, catalog, scenario.level) for row in found.rows]
    freshness = dataset_freshness(session, dataset, run.cutoff, now=config.now(), grace=config.grace)
    headers = {"Cache-Control": "no-store"}
    if wanted_format(request, query.format) != "json":
        cells = (line for row in rows for line in _cells(row))
        return table_response(request, query.format, COLUMNS, cells, headers=headers)
    answer: ScenarioAnswer = {
        "dataset": dataset,
        "name": scenario.name,
        "author": scenario.author,
        "why": scenario.reason,
        "methods": list(found.methods),
        "effective_draws": found.draws,
        "distance": None if found.unusualness is None else found.unusualness.distance,
        "probability": None if found.unusualness is None else found.unusualness.probability,
        "run": run_answer(run),
        "revised_data": coverage.backfilled,
        **freshness_answer(freshness),
        "results": rows,
    }
    return json_response(answer, headers=headers)


def _scenario(body: bytes) -> Scenario:
    try:
        return Scenario.model_validate_json(body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
        raise UnreadableBody("; ".join(faults)) from error


def _row(row: "ScenarioRow", catalog: SeriesCatalog, levels: list[float]) -> ScenarioRowAnswer:
    partner, sector = catalog.partners[row.series.partner], catalog.sectors[row.series.sector]
    return {
        "unique_id": row.series.unique_id,
        "name": f"{partner}, {sector}",
        "units": row.question.units,
        "unit": answer_unit(row.question.units, catalog.unit),
        "period": row.period.label,
        "baseline": _summary(row.baseline, levels),
        "scenario": _summary(row.scenario, levels),
        "reason": row.reason,
    }


def _summary(summary: "Summary", levels: list[float]) -> SummaryAnswer:
    intervals: list[IntervalOfScenario] = [
        {"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in zip(levels, summary.bounds, strict=True)
    ]
    return {"mean": summary.mean, "median": summary.median, "intervals": intervals}


def _cells(row: ScenarioRowAnswer) -> list[tuple[object, ...]]:
    """A row of CSV for each level."""
    before, after = row["baseline"], row["scenario"]
    head = (row["unique_id"], row["name"], row["units"], row["unit"], row["period"])
    return [
        (
            *(*head, old["level"], before["mean"], before["median"], old["lo"], old["hi"]),
            *(after["mean"], after["median"], new["lo"], new["hi"], row["reason"]),
        )
        for old, new in zip(before["intervals"], after["intervals"], strict=True)
    ]
