"""Runs: listed, read, followed, asked for."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError

from api.dependencies import BodyDep, ConfigDep, SessionDep, may_read, may_write
from api.exception_handlers import UnreadableBody
from api.http_cache import run_headers
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import common
from api.rest.serializers.forecasts import run_answer
from services.errors import FutureAsOf, HorizonTooLong
from services.parameters import Parameters, RunsQuery
from store.queries import catalog, runs

router = APIRouter(route_class=DirectRoute, tags=["runs"])
CSV_COLUMNS = ("id", "dataset", "status", "as_of", "cutoff", "horizon", "published_at", "stage", "done", "total")


@router.get("/v1/runs", dependencies=[Depends(may_read)], responses={200: {"model": common.RunPage}})
def read_runs(query: Annotated[RunsQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Runs, newest first, of a dataset and a status if given."""
    if query.dataset is not None:
        catalog.dataset(session, query.dataset)
    found = runs.page(session, dataset_id=query.dataset, status=query.status, limit=query.limit, offset=query.offset)
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    answers = [run_answer(run) for run in found.rows]
    headers = {"Cache-Control": "no-store", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        rows = ([answer[column] for column in CSV_COLUMNS] for answer in answers)
        return csv_response(CSV_COLUMNS, rows, headers=headers)
    return json_response({**page, "runs": answers}, headers=headers)


@router.get("/v1/runs/{run_id}", dependencies=[Depends(may_read)], responses={200: {"model": common.RunAnswer}})
def read_run(
    run_id: RunPath,
    query: Annotated[Parameters, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
) -> Response:
    """A run: what it is made of, how far it is, what failed in it."""
    run = runs.find(session, run_id)
    answer = run_answer(run)
    headers = {"Cache-Control": "no-store"}
    if run.status == "published":
        headers = run_headers(request, options, run, fixed=True)
    if wanted_format(request, query.format) == "csv":
        return csv_response(CSV_COLUMNS, [[answer[column] for column in CSV_COLUMNS]], headers=headers)
    return json_response(answer, headers=headers)


@router.post(
    "/v1/runs",
    status_code=202,
    dependencies=[Depends(may_write)],
    responses={202: {"model": common.RunAnswer}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": common.NewRun.model_json_schema()}},
        }
    },
)
def create_run(body: BodyDep, session: SessionDep, options: ConfigDep) -> Response:
    """Ask for a run. It waits for the scheduler; follow it at the address in `Location`.

    A run that would repeat the latest one, of the same data, configuration and code, ends as `unchanged`.
    """
    asked = _asked(body)
    catalog.dataset(session, asked.dataset)
    now = options.now()
    as_of = asked.as_of or now.date()
    if as_of > now.date():
        raise FutureAsOf(as_of, now.date())
    if asked.horizon is not None and asked.horizon > options.max_horizon:
        raise HorizonTooLong(asked.horizon, options.max_horizon)
    terms = options.run_settings(asked.dataset, asked.horizon)
    run_id = runs.queue(
        session,
        dataset_id=asked.dataset,
        as_of=as_of,
        horizon=terms.horizon,
        seed=terms.seed,
        config=terms.config,
        config_hash=terms.config_hash,
        code_version=terms.code_version,
        requested_at=now,
    )
    session.commit()
    headers = {"Location": f"/v1/runs/{run_id}", "Cache-Control": "no-store"}
    return json_response(run_answer(runs.find(session, run_id)), status=202, headers=headers)


def _asked(body: bytes) -> common.NewRun:
    try:
        return common.NewRun.model_validate_json(body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
        raise UnreadableBody("; ".join(faults)) from error
