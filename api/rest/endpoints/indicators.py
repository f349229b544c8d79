"""Indicators: what there is, and what was known of each on a day."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import SessionDep, may_read
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import IndicatorPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import indicators as schemas
from api.rest.serializers.forecasts import month_text
from services.parameters import IndicatorQuery, Paged
from store.queries import indicators
from store.queries.indicators import IndicatorRecord

router = APIRouter(route_class=DirectRoute, tags=["indicators"], dependencies=[Depends(may_read)])
COLUMNS = tuple(schemas.IndicatorAnswer.model_fields)
VALUE_COLUMNS = tuple(schemas.IndicatorValueAnswer.model_fields)


@router.get("/v1/indicators", responses={200: {"model": schemas.IndicatorPage}})
def read_indicators(query: Annotated[Paged, Query()], request: Request, session: SessionDep) -> Response:
    """Indicators, with their publishers and publication rules."""
    found = indicators.indicators(session)
    page = paging(request, limit=query.limit, offset=query.offset, total=len(found))
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    rows = [_indicator_answer(record) for record in found[query.offset : query.offset + query.limit]]
    if wanted_format(request, query.format) == "csv":
        return csv_response(COLUMNS, ([row[column] for column in COLUMNS] for row in rows), headers=headers)
    return json_response({**page, "indicators": rows}, headers=headers)


@router.get("/v1/indicators/{indicator}/observations", responses={200: {"model": schemas.IndicatorValuePage}})
def read_indicator_observations(
    indicator: IndicatorPath, query: Annotated[IndicatorQuery, Query()], request: Request, session: SessionDep
) -> Response:
    """Values of an indicator by month, as known on a day or by now. Months that were not published are absent."""
    record = indicators.indicator(session, indicator)
    found = indicators.values(
        session,
        indicator,
        start=query.start,
        end=query.end,
        as_of=query.as_of,
        limit=query.limit,
        offset=query.offset,
    )
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    rows = [(month_text(row.month), row.value, record.unit, row.known_on, row.backfilled) for row in found.rows]
    if wanted_format(request, query.format) == "csv":
        return csv_response(VALUE_COLUMNS, rows, headers=headers)
    answer = {"indicator": indicator, "unit": record.unit, "as_of": query.as_of, **page}
    answer["observations"] = [dict(zip(VALUE_COLUMNS, row, strict=True)) for row in rows]
    return json_response(answer, headers=headers)


def _indicator_answer(record: IndicatorRecord) -> dict[str, Any]:
    own = {**record._asdict(), "first_month": month_text(record.start), "last_month": month_text(record.end)}
    return {column: own[column] for column in COLUMNS}
