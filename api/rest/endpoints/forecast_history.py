"""What else was said of a series: by each forecaster, and by the combination at earlier cutoffs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.http_cache import run_headers
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import forecasts
from api.rest.serializers.forecasts import run_answer, series_answer
from forecasting.analysis.period_draws import answer_unit
from services.errors import NotOneForecast
from services.forecast_history import history_rows
from services.published_run import open_run
from services.queries import ForecastHistoryQuery
from store.queries import runs

router = APIRouter(route_class=DirectRoute, tags=["forecasts"], dependencies=[Depends(may_read)])
COLUMNS = ("unique_id", "forecaster", "cutoff", "period", "month", "unit", "value")


@router.get("/v1/runs/{run_id}/lines", responses={200: {"model": forecasts.LinePage}})
def read_lines(
    run_id: RunPath,
    query: Annotated[ForecastHistoryQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """What else was said of one series, group or balance: `forecasters` each by itself, or `earlier` combinations.

    Means, at the run's cutoff before the parts are made to add up, or those of runs that saw less and of the backtest
    at every sixth month. A page counts rows.
    """
    desk = open_run(session, catalogs, runs.find(session, run_id).dataset_id, run_id)
    # An earlier run may come to be published later.
    headers = {"Cache-Control": "no-store"}
    if query.of == "forecasters":
        headers = run_headers(request, options, desk.run, fixed=True)
    flows, partners, sectors = ([code] if code else None for code in (query.flow, query.partner, query.sector))
    chosen = desk.catalog.choose(flows=flows, partners=partners, sectors=sectors)
    if len(chosen) != 1:
        raise NotOneForecast(len(chosen))
    one, unit = chosen[0], answer_unit(query.units, desk.unit)
    rows = history_rows(desk, one, query.of, query.units, query.frequency)
    page = paging(request, limit=query.limit, offset=query.offset, total=len(rows))
    headers |= paging_headers(page)
    shown = rows[query.offset : query.offset + query.limit]
    lines = [
        {
            **{"forecaster": row["forecaster"], "cutoff": row["made"], "period": row["period"]},
            **{"month": row["month"][:7], "value": row["value"]},
        }
        for row in shown
    ]
    if wanted_format(request, query.format) == "csv":
        cells = ([({"unique_id": one.unique_id, "unit": unit} | line)[name] for name in COLUMNS] for line in lines)
        return csv_response(COLUMNS, cells, headers=headers)
    asked = {"frequency": query.frequency, "units": query.units, "of": query.of}
    about = {**series_answer(desk.catalog, one), "unit": unit, **asked, "run": run_answer(desk.run)}
    return json_response({**about, **page, "lines": lines}, headers=headers)
