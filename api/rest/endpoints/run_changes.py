"""Changes of forecasts between two runs, and their causes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, SessionDep
from api.http_cache import NO_CACHE
from api.rest.path_parameters import RunPath
from api.rest.responses import list_response, page_limit
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.runs import ChangeAnswer, ChangePage
from api.rest.serializers.runs import change_answer
from services.queries.runs import RunChangesQuery
from services.runs.run_selection import published_run
from services.series.series_catalog import part_names
from store.queries import run_changes

router = APIRouter(tags=["runs"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/runs/{run_id}/changes", responses={200: {"model": ChangePage}})
def read_changes(
    run_id: RunPath,
    query: Annotated[RunChangesQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Changes of each forecast since an earlier run: due to new observations, revisions, and re-estimation.

    The causes add up to the change of the mean. Without `against` the earlier run is the published run before it.
    """
    run = published_run(session, run_id)
    _, catalog = catalogs.of_run(session, run.id)
    names = part_names(catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector))
    against = run_changes.latest_against(session, run.id, query.against)
    found = run_changes.page(
        session,
        run.id,
        against,
        list(names),
        horizon=query.horizon,
        limit=page_limit(request, query),
        offset=query.offset,
    )
    return list_response(
        request,
        query,
        total=found.total,
        key="changes",
        items=[
            change_answer(row, names[row.series_id], catalog.unit_of_id(names[row.series_id])) for row in found.rows
        ],
        columns=columns(ChangeAnswer),
        context={"dataset": run.dataset_id, "unit": catalog.unit, "run": run.id, "against": against},
        headers=NO_CACHE,
    )
