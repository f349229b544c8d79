"""Observed values: read as of a day, and appended."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, SessionDep, may_read, may_write
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import common
from api.rest.uploads import sent_table
from services.parameters import ObservationQuery
from store.queries import catalog, observation_writes, observations
from store.queries.observations import ObservationRecord
from tables import check_observations

router = APIRouter(route_class=DirectRoute, tags=["observations"])
COLUMNS = ("unique_id", "month", "value", "unit", "months", "status", "vintage", "backfilled")
CSV_EXAMPLE = "month,flow,partner,sector,value\n2026-08,X,WLD,TOTAL,321.4\n"
JSON_EXAMPLE = {
    "observations": [{"month": "2026-08", "flow": "X", "partner": "WLD", "sector": "TOTAL", "value": 321.4}]
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "month, flow, partner, sector, value and, if known, vintage (YYYY-MM-DD), months, status.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": CSV_EXAMPLE},
            "application/json": {"schema": {"type": "object"}, "example": JSON_EXAMPLE},
        },
    }
}


@router.get(
    "/v1/datasets/{dataset}/observations",
    dependencies=[Depends(may_read)],
    responses={200: {"model": common.ObservationPage}},
)
def read_observations(
    dataset: DatasetPath,
    query: Annotated[ObservationQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Values by series and month, in the dataset's unit, as known on a day or by now.

    Balances (`flow=B`) and partner groups are summed from their parts; a month that lacks a part is left out.
    """
    _, known = catalogs.of_dataset(session, dataset)
    chosen = known.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    found = observations.values(
        session,
        chosen,
        start=query.start,
        end=query.end,
        as_of=query.as_of,
        limit=query.limit,
        offset=query.offset,
    )
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    rows = _rows(dataset, known.unit, found.rows)
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        return csv_response(COLUMNS, rows, headers=headers)
    answer = {
        "dataset": dataset,
        "unit": known.unit,
        "as_of": query.as_of,
        "revised_data": any(row.backfilled for row in found.rows),
        **page,
        "observations": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }
    return json_response(answer, headers=headers)


@router.post(
    "/v1/datasets/{dataset}/observations",
    status_code=201,
    dependencies=[Depends(may_write)],
    responses={201: {"model": common.Appended}},
    openapi_extra=BODY,
)
def append_observations(
    dataset: DatasetPath, body: BodyDep, request: Request, session: SessionDep, options: ConfigDep
) -> Response:
    """Append observations, all of them or none. A value that is known already is not stored again.

    A fault is answered with its row, column and reason; the header of a CSV is row 1.
    """
    found = catalog.dataset(session, dataset)
    today = options.now().date()
    table = sent_table(request, body, name="observations", limit=options.max_upload_bytes)
    frame = check_observations(table, today=today, negative=found.allows_negative)
    appended = observation_writes.append(session, dataset=dataset, frame=frame, vintage=today)
    session.commit()
    answer = {"dataset": dataset, "received": len(frame), **appended._asdict()}
    return json_response(answer, status=201, headers={"Cache-Control": "no-store"})


def _rows(dataset: str, unit: str, found: list[ObservationRecord]) -> Iterator[tuple[Any, ...]]:
    """Observations in the order of COLUMNS."""
    for row in found:
        unique_id = f"{dataset}.{row.flow}.{row.partner}.{row.sector}"
        month = f"{row.month:%Y-%m}"
        yield unique_id, month, row.value, unit, row.months, row.status, row.vintage, row.backfilled
