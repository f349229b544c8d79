"""Other forecasts of a series: those of single forecasters, and those from earlier cutoffs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_STORE, run_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import list_response, page_of
from api.rest.schemas.forecasts import ForecastHistoryPage, HistoricForecastAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.runs import run_answer
from api.rest.serializers.series import series_answer
from forecasting.analysis.period_draws import answer_unit
from services.history.forecast_history import history_rows
from services.queries.forecasts import ForecastHistoryQuery
from services.runs.published_run import open_run
from store.queries import runs

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)
COLUMNS = ("unique_id", "forecaster", "cutoff", "period", "month", "unit", "value")


@router.get("/v1/runs/{run_id}/forecast-history", responses={200: {"model": ForecastHistoryPage}})
def read_forecast_history(
    run_id: RunPath,
    query: Annotated[ForecastHistoryQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Other forecasts of a series, group or balance: of the single `forecasters`, or `earlier` combinations.

    Mean forecasts: at the run's cutoff before reconciliation, or those of earlier runs and of the backtest at every
    sixth month. A page counts rows.
    """
    published = open_run(session, catalogs, runs.find(session, run_id).dataset_id, run_id)
    # Earlier runs may still be published, so that only the forecasters' answer is fixed.
    fixed = query.of == "forecasters"
    headers = run_headers(request, config, published.run) if fixed else NO_STORE
    series = published.catalog.single(query.flow, query.partner, query.sector)
    unit = answer_unit(query.units, published.unit_of(series))
    rows = history_rows(published, series, query.of, query.units, query.frequency)
    items: list[HistoricForecastAnswer] = [
        {
            "forecaster": row["forecaster"],
            "cutoff": row["made"],
            "period": row["period"],
            "month": row["month"][:7],
            "value": row["value"],
        }
        for row in page_of(request, query, rows)
    ]
    return list_response(
        request,
        query,
        total=len(rows),
        key="forecasts",
        items=items,
        columns=COLUMNS,
        rows=([{**item, "unique_id": series.unique_id, "unit": unit}[name] for name in COLUMNS] for item in items),
        context={
            **series_answer(published.catalog, series, unit),
            **{"frequency": query.frequency, "units": query.units, "of": query.of, "run": run_answer(published.run)},
        },
        headers=headers,
    )
