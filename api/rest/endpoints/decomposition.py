"""Series taken apart: trend, season, calendar, and what is left."""

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
from services.decomposition import SHARES, component_months
from services.parameters import DecompositionQuery
from services.run_selection import published_run, select_series

router = APIRouter(route_class=DirectRoute, tags=["forecasts"], dependencies=[Depends(may_read)])
SHARE_UNIT = "per cent"
COLUMNS = ("unique_id", "month", "ahead", "unit", "trend", "share_unit", *SHARES)


@router.get("/v1/runs/{run_id}/components", responses={200: {"model": forecasts.ComponentPage}})
def read_components(
    run_id: RunPath,
    query: Annotated[DecompositionQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Series taken apart as Prophet does, from what a run knew: value = trend x season x calendar x rest.

    The trend is in the dataset's unit; the others say by how many per cent they raise what they multiply. `months` is
    empty for what the run did not take apart: groups, and series that are short or reach zero.
    """
    run = published_run(session, run_id)
    headers = run_headers(request, options, run, fixed=True)
    series = select_series(session, catalogs, run, query)
    page = paging(request, limit=query.limit, offset=query.offset, total=series.total)
    headers |= paging_headers(page)
    found = zip(series.page, component_months(session, run, series.page), strict=True)
    unit = series.catalog.unit
    if wanted_format(request, query.format) == "csv":
        rows = (
            (one.unique_id, row["month"], row["ahead"], unit, row["trend"], SHARE_UNIT, *(row[name] for name in SHARES))
            for one, months in found
            for row in months
        )
        return csv_response(COLUMNS, rows, headers=headers)
    answers = [{**series_answer(series.catalog, one), "months": months} for one, months in found]
    about = {"dataset": run.dataset_id, "unit": unit, "share_unit": SHARE_UNIT, "run": run_answer(run)}
    return json_response({**about, **page, "series": answers}, headers=headers)
