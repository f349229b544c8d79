"""Forecasts: of a dataset's latest run, or of a run by its number."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api import answer_schemas
from api.answers import FORECAST_COLUMNS, Layout, forecast_answers, forecast_rows, later_months, run_answer
from api.asking import read_answers
from api.caching import run_headers
from api.catalogs import Catalogs
from api.certificate import forecast_certificate
from api.choosing import chosen_run, chosen_series, published_run
from api.deps import CatalogsDep, OptionsDep, SessionDep, may_read
from api.direct import DirectRoute
from api.errors import HorizonBeyondRun
from api.formats import csv_response, json_response, wanted_format
from api.paging import paging, paging_headers
from api.params import DatasetPath, RunPath
from api.questions import ForecastQuery, RunForecastQuery
from forecasting.answers import answer_unit
from store.runs import RunRecord

router = APIRouter(route_class=DirectRoute, tags=["forecasts"], dependencies=[Depends(may_read)])
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"example": ",".join(FORECAST_COLUMNS)}}, "model": answer_schemas.ForecastPage},
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
    computed from joint paths, as is any level other than 50, 80, 90 and 95, and everything that is not a month's
    level: `frequency` sums months, `units` compares, `quantile` asks for further quantiles.
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
    if query.certificate:
        asked["certificate"] = forecast_certificate(session, run, series.all, query, horizon)
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
