"""Sources: when each was asked for figures, and what came of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import SessionDep, may_read
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import common
from services.parameters import Paged
from store.queries import fetch_attempts

router = APIRouter(route_class=DirectRoute, tags=["catalog"], dependencies=[Depends(may_read)])


@router.get("/v1/sources", responses={200: {"model": common.SourcePage}})
def read_sources(query: Annotated[Paged, Query()], request: Request, session: SessionDep) -> Response:
    """Sources that were asked, by dataset: last attempt, last success, last failure and why."""
    found = fetch_attempts.sources(session, limit=query.limit, offset=query.offset)
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    rows = [one._asdict() for one in found.rows]
    headers = paging_headers(page)
    if wanted_format(request, query.format) == "json":
        return json_response({**page, "sources": rows}, headers=headers)
    columns = list(common.SourceAnswer.model_fields)
    return csv_response(columns, ([row[column] for column in columns] for row in rows), headers=headers)
