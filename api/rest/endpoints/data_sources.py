"""Data sources: the last attempts to fetch from each, and their outcomes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import SessionDep
from api.rest.responses import list_response, page_limit
from api.rest.schemas.catalog import SourceAnswer, SourcePage
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from services.parameters import Paged
from store.queries import fetch_attempts

router = APIRouter(tags=["catalog"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/sources", responses={200: {"model": SourcePage}})
def read_sources(query: Annotated[Paged, Query()], request: Request, session: SessionDep) -> Response:
    """Sources by dataset: last attempt, last success, last failure and its reason."""
    found = fetch_attempts.sources(session, limit=page_limit(request, query), offset=query.offset)
    items = [source._asdict() for source in found.rows]
    return list_response(request, query, total=found.total, key="sources", items=items, columns=columns(SourceAnswer))
