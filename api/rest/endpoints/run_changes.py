"""What changed between two runs, and why."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import tracking
from api.rest.serializers.forecasts import month_text
from services.parameters import RunChangesQuery
from services.run_selection import published_run
from store.queries import run_changes
from store.queries.run_changes import ChangeRecord

router = APIRouter(route_class=DirectRoute, tags=["runs"], dependencies=[Depends(may_read)])
COLUMNS = tuple(tracking.ChangeAnswer.model_fields)


@router.get("/v1/runs/{run_id}/changes", responses={200: {"model": tracking.ChangePage}})
def read_changes(
    run_id: RunPath,
    query: Annotated[RunChangesQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """How each forecast moved since an earlier run, taken apart: new figures, revised figures, and re-estimation.

    The parts add up to the change of the mean. Without `against` the earlier run is the published one before it.
    """
    run = published_run(session, run_id)
    _, catalog = catalogs.of_run(session, run.id)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names = {part.series_id: part.unique_id for one in chosen for part in one.parts}
    against = run_changes.latest_against(session, run.id, query.against)
    asked: dict[str, Any] = {"horizon": query.horizon, "limit": query.limit, "offset": query.offset}
    found = run_changes.page(session, run.id, against, list(names), **asked)
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    answers = [_change_answer(row, names[row.series_id], catalog.unit) for row in found.rows]
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        return csv_response(COLUMNS, (list(answer.values()) for answer in answers), headers=headers)
    about = {"dataset": run.dataset_id, "unit": catalog.unit, "run": run.id, "against": against}
    return json_response({**about, **page, "changes": answers}, headers=headers)


def _change_answer(row: ChangeRecord, unique_id: str, unit: str) -> dict[str, Any]:
    fields = row._asdict() | {"unique_id": unique_id, "unit": unit, "month": month_text(row.month)}
    fields["change"] = row.after - row.before
    return {name: fields[name] for name in COLUMNS}
