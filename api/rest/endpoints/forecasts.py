"""Forecasts: of a dataset's latest run, or of a run by its number."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.http_cache import run_headers
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath, RunPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import forecasts
from api.rest.serializers.coverage import coverage_answer
from api.rest.serializers.forecasts import (
    FORECAST_COLUMNS,
    Layout,
    forecast_answers,
    forecast_rows,
    later_months,
    run_answer,
)
from forecasting.analysis.period_draws import answer_unit
from services.catalog_cache import CatalogCache
from services.coverage import forecast_coverage
from services.errors import HorizonBeyondRun
from services.forecasts import read_answers
from services.queries import ForecastQuery, RunForecastQuery
from services.run_selection import published_run, select_run, select_series
from store.queries.runs import PublishedRunRecord

router = APIRouter(route_class=DirectRoute, tags=["forecasts"], dependencies=[Depends(may_read)])
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"example": ",".join(FORECAST_COLUMNS)}}, "model": forecasts.ForecastPage},
    304: {"description": "What the client has (`If-None-Match`) is still right."},
}


@router.get("/v1/datasets/{dataset}/forecasts", responses=CSV)
def read_forecasts(
    dataset: DatasetPath,
    query: Annotated[ForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecasts of the latest published run, of the latest as of a day, or of a run by its number.

    Mean, median and prediction intervals by month, in the dataset's unit. Balances (`flow=B`) and partner groups are
    computed from joint paths, as is any level other than 50, 80, 90 and 95, and everything that is not a month's
    level: `frequency` sums months, `units` compares, `quantile` asks for further quantiles.
    """
    run = select_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    return _answer(request, session, catalogs, run, query, headers)


@router.get("/v1/runs/{run_id}/forecasts", responses=CSV)
def read_run_forecasts(
    run_id: RunPath,
    query: Annotated[RunForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecasts of one published run, which never change."""
    run = published_run(session, run_id)
    headers = run_headers(request, options, run, fixed=True)
    return _answer(request, session, catalogs, run, query, headers)


def _answer(
    request: Request,
    session: Session,
    catalogs: CatalogCache,
    run: PublishedRunRecord,
    query: RunForecastQuery,
    headers: dict[str, str],
) -> Response:
    horizon = query.horizon or run.horizon
    if horizon > run.horizon:
        raise HorizonBeyondRun(horizon, run=run.id, run_horizon=run.horizon)
    wanted = wanted_format(request, query.format)
    series = select_series(session, catalogs, run, query)
    unit = answer_unit(query.units, series.catalog.unit)
    months = later_months(run.cutoff, horizon)
    layout = Layout(months, query.level, query.quantile, unit, spans=not query.plain)
    found = read_answers(session, run, series, query, horizon)
    page = paging(request, limit=query.limit, offset=query.offset, total=series.total)
    headers |= paging_headers(page)
    if wanted == "csv":
        return csv_response(layout.columns, forecast_rows(found, layout), headers=headers)
    asked: dict[str, Any] = {}
    if not query.plain:
        asked = {"frequency": None if query.period else query.frequency, "units": query.units, "of": query.whole}
    if query.coverage:
        asked["coverage"] = coverage_answer(forecast_coverage(session, run, series.all, query, horizon))
    answer = {
        "dataset": run.dataset_id,
        "unit": unit,
        **asked,
        "run": run_answer(run),
        "revised_data": series.coverage.backfilled,
        **page,
        "series": forecast_answers(series.catalog, found, layout),
    }
    return json_response(answer, headers=headers)
