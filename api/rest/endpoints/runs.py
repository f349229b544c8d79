"""Runs: listed, read and requested."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Publisher, Reader
from api.dependencies import BodyDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_STORE, run_headers
from api.rest.path_parameters import RunPath
from api.rest.request_bodies import json_body, read_body
from api.rest.responses import json_response, list_response, object_response, page_limit
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.runs import NewRun, RunAnswer, RunPage
from api.rest.serializers.runs import run_answer
from presentation import links
from services.errors import HorizonTooLong
from services.parameters import Parameters
from services.queries.runs import RunsQuery
from services.runs.run_requests import refuse_full_queue, request_run
from store.queries import catalog, run_status, runs

router = APIRouter(tags=["runs"], responses=PROBLEM)
COLUMNS = ("id", "dataset", "status", "as_of", "cutoff", "horizon", "published_at", "stage", "done", "total")


@router.get("/v1/runs", dependencies=[Reader], responses={200: {"model": RunPage}})
def read_runs(query: Annotated[RunsQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Runs, newest first, optionally of a dataset and a status."""
    if query.dataset is not None:
        catalog.dataset(session, query.dataset)
    found = runs.page(
        session, dataset_id=query.dataset, status=query.status, limit=page_limit(request, query), offset=query.offset
    )
    return list_response(
        request,
        query,
        total=found.total,
        key="runs",
        items=[run_answer(run) for run in found.rows],
        columns=COLUMNS,
        headers=NO_STORE,
    )


@router.get("/v1/runs/{run_id}", dependencies=[Reader], responses={200: {"model": RunAnswer}})
def read_run(
    run_id: RunPath,
    query: Annotated[Parameters, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
) -> Response:
    """A run: its inputs, its progress and its failures."""
    run = runs.find(session, run_id)
    published = run.status == "published"
    headers = run_headers(request, config, run) if published else NO_STORE
    return object_response(request, query.format, run_answer(run), columns=COLUMNS, headers=headers)


@router.post(
    "/v1/runs",
    status_code=202,
    dependencies=[Publisher, NoParameters],
    responses={202: {"model": RunAnswer}},
    openapi_extra=json_body(NewRun),
)
def create_run(body: BodyDep, session: SessionDep, config: ConfigDep) -> Response:
    """Request a run. The scheduler carries it out; its address is in `Location`.

    Every reader gets it as the latest once it is published: this needs a key with the scope `publish`.
    A run that would repeat the latest one, of the same data, configuration and code, ends as `unchanged`.
    """
    requested = read_body(NewRun, body)
    if requested.horizon is not None and requested.horizon > config.max_horizon:
        raise HorizonTooLong(requested.horizon, config.max_horizon)
    refuse_full_queue(session, requested.dataset)
    now, forecast = config.now(), config.forecast(requested.dataset)
    run_id = request_run(
        session,
        dataset=requested.dataset,
        as_of=requested.as_of or now.date(),
        config=replace(forecast, horizon=requested.horizon or forecast.horizon),
        now=now,
    )
    session.commit()
    headers = {"Location": links.api_run(run_id), "Cache-Control": "no-store"}
    return json_response(run_answer(runs.find(session, run_id)), status=202, headers=headers)


@router.post("/v1/runs/{run_id}/cancel", dependencies=[Publisher, NoParameters], responses={200: {"model": RunAnswer}})
def cancel_run(run_id: RunPath, session: SessionDep, config: ConfigDep) -> Response:
    """Cancel a queued or running run, also one of the scheduler; it ends as `failed`, without forecasts."""
    run_status.cancel(session, run_id, finished_at=config.now())
    session.commit()
    return json_response(run_answer(runs.find(session, run_id)), headers=NO_STORE)
