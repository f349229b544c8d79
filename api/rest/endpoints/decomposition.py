"""Decomposition of series into trend, season, calendar and residual."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import run_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import list_response, page_limit
from api.rest.schemas.forecasts import ComponentPage
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.forecasts import component_answer
from api.rest.serializers.runs import run_answer
from api.rest.serializers.series import series_answer
from services.datasets.table_facts import table_facts
from services.queries.forecasts import DecompositionQuery
from services.runs.run_selection import published_run, select_series
from services.series.decomposition import component_months

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)
SHARE_UNIT = "per cent"
SHARES = ("seasonal", "calendar", "residual")
COLUMNS = ("unique_id", "month", "forecast", "unit", "trend", "share_unit", *SHARES)


@router.get("/v1/runs/{run_id}/components", responses={200: {"model": ComponentPage}})
def read_components(
    run_id: RunPath,
    query: Annotated[DecompositionQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Prophet's decomposition of series as known to a run: value = trend x seasonal x calendar x residual.

    The trend is in the dataset's unit; the others are factors, as a difference from 1 in per cent. `months` is
    empty for series without a decomposition: groups, and series that are short or reach zero.
    """
    run = published_run(session, run_id)
    headers = run_headers(request, config, run)
    series = select_series(session, catalogs, run, query, page_limit(request, query))
    decomposed = component_months(session, run, series.page)
    months = [[component_answer(row) for row in rows] for rows in decomposed]
    found = list(zip(series.page, months, strict=True))
    catalog = series.catalog
    shared = {"unit": catalog.common_unit(series.all), "share_unit": SHARE_UNIT}
    return list_response(
        request,
        query,
        total=series.total,
        key="series",
        items=({**series_answer(catalog, resolved), "months": months} for resolved, months in found),
        columns=COLUMNS,
        rows=(
            [
                {**month, **shared, "unit": catalog.unit_of(resolved), "unique_id": resolved.unique_id}[name]
                for name in COLUMNS
            ]
            for resolved, months in found
            for month in months
        ),
        context={"dataset": run.dataset_id, **shared, "run": run_answer(run)},
        headers=headers,
        facts=partial(table_facts, session, run.dataset_id, run),
    )
