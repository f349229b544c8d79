"""Stored scenarios: their forecasts by run, compared with one another and scored against outcomes."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.authentication import Judge, Reader
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_STORE
from api.rest.path_parameters import ScenarioPath
from api.rest.request_bodies import json_body, read_body
from api.rest.responses import json_response, list_response, page_limit, page_of, table_response, wanted_format
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.scenarios import (
    RunRowAnswer,
    RunRowPage,
    ScenarioRowAnswer,
    ScenarioScoreAnswer,
    ScenarioScorePage,
    StoredForecastsAnswer,
    StoredScenarioAnswer,
    StoredScenarioPage,
)
from api.rest.serializers.scenarios import ROW_COLUMNS, scenario_cells, scenario_row
from forecasting.analysis.period_draws import answer_unit
from forecasting.data.months import format_month
from presentation import links
from services.parameters import Paged
from services.queries.scenarios import (
    NewScenario,
    ScenarioComparisonQuery,
    ScenariosQuery,
    StoredForecastQuery,
)
from services.runs.run_selection import latest_run, run_of
from services.series.catalog_cache import CatalogCache
from store.queries import catalog, scenarios
from store.queries.scenarios import ForecastRecord, ScenarioRecord

if TYPE_CHECKING:
    from services.scenarios.stored_scenarios import ScenarioScore

router = APIRouter(tags=["scenarios"], responses=PROBLEM)
RUN_COLUMNS = ("scenario_id", "scenario_name", "run", "as_of", "cutoff")


@router.post(
    "/v1/scenarios",
    status_code=201,
    dependencies=[Judge, NoParameters],
    responses={201: {"model": StoredForecastsAnswer}},
    openapi_extra=json_body(NewScenario),
)
def store(body: BodyDep, session: SessionDep, config: ConfigDep, catalogs: CatalogCacheDep) -> Response:
    """Store a scenario of a dataset, with its author and the reason; its address is in `Location`.

    It is computed on the latest run, and on every new run until the last month that it is about is observed.
    """
    from services.scenarios.stored_scenarios import store_scenario  # noqa: PLC0415 - it loads SciPy, as in scenarios.py

    stated = read_body(NewScenario, body)
    run = latest_run(session, stated.dataset) if stated.run is None else run_of(session, stated.dataset, stated.run)
    number = store_scenario(session, catalogs, run, stated, now=config.now())
    session.commit()
    answer = _forecasts_answer(session, catalogs, scenarios.find(session, number), None)
    return json_response(answer, status=201, headers=NO_STORE | {"Location": links.api_scenario(number)})


@router.get("/v1/scenarios", dependencies=[Reader], responses={200: {"model": StoredScenarioPage}})
def read_stored_scenarios(query: Annotated[ScenariosQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Stored scenarios, newest first."""
    if query.dataset is not None:
        catalog.dataset(session, query.dataset)
    limit = page_limit(request, query)
    found = scenarios.page(session, dataset=query.dataset, limit=limit, offset=query.offset)
    return list_response(
        request,
        query,
        total=found.total,
        key="scenarios",
        items=[_scenario_answer(session, record) for record in found.rows],
        columns=columns(StoredScenarioAnswer, without=("statement",)),
        headers=NO_STORE,
    )


@router.get("/v1/scenarios/comparison", dependencies=[Reader], responses={200: {"model": RunRowPage}})
def compare_scenarios(
    query: Annotated[ScenarioComparisonQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The latest forecasts under several stored scenarios, each beside its baseline."""
    rows = []
    for record in [scenarios.find(session, number) for number in query.scenario]:
        rows += _run_rows(session, catalogs, record, scenarios.forecasts(session, record.id)[-1:])
    return _rows_response(request, query, rows)


@router.get("/v1/scenarios/{scenario_id}", dependencies=[Reader], responses={200: {"model": StoredForecastsAnswer}})
def read_stored_scenario(
    scenario_id: ScenarioPath,
    query: Annotated[StoredForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The forecasts under a stored scenario, of the latest run that it was computed on or of one by its number."""
    answer = _forecasts_answer(session, catalogs, scenarios.find(session, scenario_id), query.run)
    if wanted_format(request, query.format) == "json":
        return json_response(answer, headers=NO_STORE)
    cells = (line for row in answer["results"] for line in scenario_cells(row))
    return table_response(request, query.format, ROW_COLUMNS, cells, headers=NO_STORE)


@router.get("/v1/scenarios/{scenario_id}/history", dependencies=[Reader], responses={200: {"model": RunRowPage}})
def read_scenario_history(
    scenario_id: ScenarioPath,
    query: Annotated[Paged, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The forecasts under a stored scenario in every run that it was computed on, oldest first."""
    record = scenarios.find(session, scenario_id)
    return _rows_response(request, query, _run_rows(session, catalogs, record, scenarios.forecasts(session, record.id)))


@router.get("/v1/scenarios/{scenario_id}/scores", dependencies=[Reader], responses={200: {"model": ScenarioScorePage}})
def read_scenario_scores(
    scenario_id: ScenarioPath,
    query: Annotated[Paged, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Outcomes beside the scenario and its baseline, on the run that it was stated on, of every observed period."""
    from services.scenarios.stored_scenarios import scores  # noqa: PLC0415 - it loads SciPy

    record = scenarios.find(session, scenario_id)
    first = scenarios.forecasts(session, record.id)[0]
    found = scores(session, catalogs, record, first)
    page = page_of(request, query, found)
    unit = catalog.dataset(session, record.dataset_id).unit
    level = max(_levels(record))
    return list_response(
        request,
        query,
        total=len(found),
        key="scores",
        items=[_score_answer(score, unit, _levels(record).index(level), level) for score in page],
        columns=columns(ScenarioScoreAnswer),
        headers=NO_STORE,
    )


def _forecasts_answer(
    session: Session, catalogs: CatalogCache, record: ScenarioRecord, run: int | None
) -> StoredForecastsAnswer:
    stored = scenarios.forecasts(session, record.id)
    found = stored[-1] if run is None else scenarios.forecast_of(stored, run)
    return {
        "scenario": _scenario_answer(session, record),
        "run": found.run_id,
        "as_of": found.as_of,
        "cutoff": format_month(found.cutoff),
        "computed_at": found.computed_at,
        "methods": list(found.methods),
        "effective_draws": found.effective_draws,
        "distance": found.distance,
        "probability": found.probability,
        "fault": found.fault,
        "results": _results(session, catalogs, record, found),
    }


def _scenario_answer(session: Session, record: ScenarioRecord) -> StoredScenarioAnswer:
    return {
        "id": record.id,
        "dataset": record.dataset_id,
        "name": record.name,
        "author": record.author,
        "why": record.reason,
        "created_at": record.created_at,
        "run": record.run_id,
        "ends": format_month(record.ends),
        "over": latest_run(session, record.dataset_id).cutoff >= record.ends,
        "statement": dict(record.statement),
    }


def _results(
    session: Session, catalogs: CatalogCache, record: ScenarioRecord, found: ForecastRecord
) -> list[ScenarioRowAnswer]:
    from services.scenarios.stored_scenarios import rows_of  # noqa: PLC0415 - it loads SciPy

    _, known = catalogs.of_run(session, found.run_id)
    return [scenario_row(row, known, _levels(record)) for row in rows_of(session, catalogs, found)]


def _run_rows(
    session: Session, catalogs: CatalogCache, record: ScenarioRecord, found: list[ForecastRecord]
) -> list[RunRowAnswer]:
    return [
        _run_row(row, record, forecast) for forecast in found for row in _results(session, catalogs, record, forecast)
    ]


def _run_row(row: ScenarioRowAnswer, record: ScenarioRecord, forecast: ForecastRecord) -> RunRowAnswer:
    return {
        **row,
        "scenario_id": record.id,
        "scenario_name": record.name,
        "run": forecast.run_id,
        "as_of": forecast.as_of,
        "cutoff": format_month(forecast.cutoff),
    }


def _rows_response(request: Request, query: Paged, rows: list[RunRowAnswer]) -> Response:
    page = page_of(request, query, rows)
    cells = (
        (row["scenario_id"], row["scenario_name"], row["run"], row["as_of"], row["cutoff"], *line)
        for row in page
        for line in scenario_cells(row)
    )
    return list_response(
        request,
        query,
        total=len(rows),
        key="forecasts",
        items=page,
        columns=(*RUN_COLUMNS, *ROW_COLUMNS),
        rows=cells,
        headers=NO_STORE,
    )


def _score_answer(score: "ScenarioScore", unit: str, place: int, level: float) -> ScenarioScoreAnswer:
    (before, after), (inside_before, inside_after) = score.errors, score.inside(place)
    return {
        "unique_id": score.unique_id,
        "units": score.question.units,
        "unit": answer_unit(score.question.units, unit),
        "period": score.period,
        "actual": score.actual,
        "baseline_median": score.medians[0],
        "scenario_median": score.medians[1],
        "baseline_error": before,
        "scenario_error": after,
        "level": level,
        "baseline_inside": inside_before,
        "scenario_inside": inside_after,
    }


def _levels(record: ScenarioRecord) -> list[float]:
    return list(record.statement["level"])
