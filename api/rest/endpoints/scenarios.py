"""Scenarios: the forecasts of a run given conditions and shocks."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_STORE
from api.rest.path_parameters import DatasetPath
from api.rest.request_bodies import json_body, read_body
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.scenarios import ScenarioAnswer
from api.rest.serializers.indicators import indicators_answer
from api.rest.serializers.runs import freshness_answer, run_answer
from api.rest.serializers.scenarios import ROW_COLUMNS, scenario_cells, scenario_row
from services.parameters import Parameters
from services.queries.scenarios import Scenario
from services.runs.freshness import dataset_freshness
from services.runs.run_selection import latest_run, run_of

router = APIRouter(tags=["scenarios"], dependencies=[Reader], responses=PROBLEM)


@router.post(
    "/v1/datasets/{dataset}/scenarios", responses={200: {"model": ScenarioAnswer}}, openapi_extra=json_body(Scenario)
)
def evaluate_scenario(
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
    from services.scenarios.scenarios import evaluate_scenario  # noqa: PLC0415 - it loads SciPy, which other answers do not need

    scenario = read_body(Scenario, body)
    run = latest_run(session, dataset) if scenario.run is None else run_of(session, dataset, scenario.run)
    coverage, catalog = catalogs.of_run(session, run.id)
    found = evaluate_scenario(session, catalogs, run, scenario)
    rows = [scenario_row(row, catalog, scenario.level) for row in found.rows]
    freshness = dataset_freshness(session, dataset, run.cutoff, now=config.now(), grace=config.grace)
    headers = NO_STORE
    if wanted_format(request, query.format) != "json":
        cells = (line for row in rows for line in scenario_cells(row))
        return table_response(request, query.format, ROW_COLUMNS, cells, headers=headers)
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
        **indicators_answer(coverage.indicators),
        "results": rows,
    }
    return json_response(answer, headers=headers)
