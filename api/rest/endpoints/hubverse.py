"""Runs in the layout of the hubverse: model output and tasks.json."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import run_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import json_response, list_response, page_limit, wanted_format
from api.rest.schemas.hubverse import ModelOutputPage, TasksAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.runs import run_answer
from services.datasets.table_facts import table_facts
from services.forecasts.hubverse import COLUMNS, MODEL, file_name, model_output, tasks
from services.queries.hubverse import HubverseQuery
from services.runs.run_selection import published_run, select_series

router = APIRouter(tags=["runs"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/runs/{run_id}/hubverse/model-output", responses={200: {"model": ModelOutputPage}})
def read_model_output(
    run_id: RunPath,
    query: Annotated[HubverseQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """A run as hubverse model output: mean, median, stored quantiles, and joint samples of levels and growth.

    CSV and Parquet have the name and the columns of a submission.
    """
    run = published_run(session, run_id)
    form = wanted_format(request, query.format)
    headers = run_headers(request, config, run)
    if form != "json":
        headers["Content-Disposition"] = f'attachment; filename="{file_name(run, form)}"'
    series = select_series(session, catalogs, run, query, page_limit(request, query))
    rows = model_output(session, run, series, query)
    return list_response(
        request,
        query,
        total=series.total,
        key="model_output",
        items=(dict(zip(COLUMNS, row, strict=True)) for row in rows),
        columns=COLUMNS,
        rows=rows,
        context={"dataset": run.dataset_id, "model": MODEL, "run": run_answer(run)},
        headers=headers,
        facts=partial(table_facts, session, run.dataset_id, run),
    )


@router.get("/v1/runs/{run_id}/hubverse/tasks.json", responses={200: {"model": TasksAnswer}})
def read_hubverse_tasks(
    run_id: RunPath,
    query: Annotated[HubverseQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The tasks.json of a hub for which the model output of the same query is a submission."""
    run = published_run(session, run_id)
    headers = run_headers(request, config, run)
    series = select_series(session, catalogs, run, query)
    return json_response(tasks(run, series, query), headers=headers)
