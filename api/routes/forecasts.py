"""Forecasts: of a dataset's latest run, or of a run by its number."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api import schemas
from api.answers import FORECAST_COLUMNS, forecast_answers, forecast_rows, later_months, run_answer
from api.caching import run_headers
from api.catalogs import Catalogs
from api.choosing import chosen_run, chosen_series, published_run
from api.deps import CatalogsDep, OptionsDep, SessionDep, may_read
from api.derived import Question, forecast_series
from api.errors import HorizonBeyondRun
from api.formats import csv_response, json_response, wanted_format
from api.paging import paging, paging_headers
from api.params import DatasetPath, ForecastQuery, RunForecastQuery, RunPath
from store.runs import RunRecord

router = APIRouter(tags=["forecasts"], dependencies=[Depends(may_read)])
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"example": ",".join(FORECAST_COLUMNS)}}, "model": schemas.ForecastPage},
    304: {"description": "What the client has (`If-None-Match`) is still right."},
}


@router.get("/v1/datasets/{dataset}/forecasts", responses=CSV)
def read_forecasts(
    dataset: DatasetPath,
    query: Annotated[ForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    options: OptionsDep,
    catalogs: CatalogsDep,
) -> Response:
    """Forecasts of the latest published run, of the latest as of a day, or of a run by its number.

    Mean, median and prediction intervals by month, in the dataset's unit. Balances (`flow=B`) and partner groups are
    computed from joint paths, as is any level other than 50, 80, 90 and 95.
    """
    run = chosen_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    return _answer(request, session, catalogs, run, query, headers)


@router.get("/v1/runs/{run_id}/forecasts", responses=CSV)
def read_run_forecasts(
    run_id: RunPath,
    query: Annotated[RunForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    options: OptionsDep,
    catalogs: CatalogsDep,
) -> Response:
    """Forecasts of one published run, which never change."""
    run = published_run(session, run_id)
    headers = run_headers(request, options, run, fixed=True)
    return _answer(request, session, catalogs, run, query, headers)


def _answer(
    request: Request,
    session: Session,
    catalogs: Catalogs,
    run: RunRecord,
    query: RunForecastQuery,
    headers: dict[str, str],
) -> Response:
    horizon = query.horizon or run.horizon
    if horizon > run.horizon:
        raise HorizonBeyondRun(horizon, run=run.id, run_horizon=run.horizon)
    wanted = wanted_format(request, query.format)
    series = chosen_series(session, catalogs, run, query)
    assert run.cutoff is not None
    months = later_months(run.cutoff, horizon)
    question = Question(run.id, horizon, query.level, series.coverage.probabilities)
    found = forecast_series(session, question, series.page)
    page = paging(request, limit=query.limit, offset=query.offset, total=series.total)
    headers |= paging_headers(page)
    unit = series.catalog.unit
    if wanted == "csv":
        return csv_response(FORECAST_COLUMNS, forecast_rows(unit, found, months, query.level), headers=headers)
    answer = {
        "dataset": run.dataset_id,
        "unit": unit,
        "run": run_answer(run),
        "revised_data": series.coverage.backfilled,
        **page,
        "series": forecast_answers(series.catalog, found, months, query.level),
    }
    return json_response(answer, headers=headers)
