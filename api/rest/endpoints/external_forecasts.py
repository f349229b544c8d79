"""Forecasts that others made: taken in, and shown beside ours."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, SessionDep, may_read, may_write
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import tracking
from api.rest.serializers.forecasts import month_text
from api.rest.uploads import sent_table
from services.parameters import ExternalForecastQuery, ExternalModelsQuery
from store.queries import catalog, external_forecasts
from store.queries.external_forecasts import Comparison
from store.queries.hubverse_format import check_hubverse

router = APIRouter(route_class=DirectRoute, tags=["outside"])
COLUMNS = tuple(tracking.OutsideAnswer.model_fields)
MODEL_COLUMNS = tuple(tracking.OutsideModelAnswer.model_fields)
STATEMENT = {
    "model_id": "poll",
    "reference_date": "2026-08-31",
    "target": "X TOTAL",
    "horizon": 0,
    "location": "WLD",
    "target_end_date": "2026-08-31",
    "output_type": "quantile",
    "output_type_id": 0.9,
    "value": 341.0,
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "The hubverse's columns; a target is a flow and a sector, a location a partner.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": f"{','.join(STATEMENT)}\n{','.join(map(str, STATEMENT.values()))}\n",
            },
            "application/json": {"schema": {"type": "object"}, "example": {"forecasts": [STATEMENT]}},
        },
    }
}


@router.get(
    "/v1/datasets/{dataset}/outside",
    dependencies=[Depends(may_read)],
    responses={200: {"model": tracking.OutsidePage}},
)
def read_outside(
    dataset: DatasetPath,
    query: Annotated[ExternalForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecasts made by others, beside ours of the same target from no later knowledge, and what came.

    Both are scored by their absolute error and their weighted interval score, on the first print and the latest value.
    """
    _, known = catalogs.of_dataset(session, dataset)
    chosen = known.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names = {part.series_id: part.unique_id for one in chosen for part in one.parts}
    wanted = query.model_dump(include={"model", "start", "end", "scored", "limit", "offset"})
    found = external_forecasts.page(session, list(names), **wanted)
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    answers = [_answer(row, names[row.series_id], known.unit) for row in found.rows]
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        return csv_response(COLUMNS, (list(answer.values()) for answer in answers), headers=headers)
    return json_response({"dataset": dataset, "unit": known.unit, **page, "outside": answers}, headers=headers)


@router.get(
    "/v1/datasets/{dataset}/outside/models",
    dependencies=[Depends(may_read)],
    responses={200: {"model": tracking.OutsideModelPage}},
)
def read_outside_models(
    dataset: DatasetPath,
    query: Annotated[ExternalModelsQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Mean errors and weighted interval scores of each model on first prints, beside ours on the same targets."""
    _, known = catalogs.of_dataset(session, dataset)
    chosen = known.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    found = external_forecasts.by_model(session, [part.series_id for one in chosen for part in one.parts])
    page = paging(request, limit=query.limit, offset=query.offset, total=len(found))
    rows = [one._asdict() | {"unit": known.unit} for one in found[query.offset : query.offset + query.limit]]
    answers = [{name: row[name] for name in MODEL_COLUMNS} for row in rows]
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        return csv_response(MODEL_COLUMNS, (list(answer.values()) for answer in answers), headers=headers)
    return json_response({"dataset": dataset, "unit": known.unit, **page, "models": answers}, headers=headers)


@router.post(
    "/v1/datasets/{dataset}/outside",
    status_code=201,
    dependencies=[Depends(may_write)],
    responses={201: {"model": tracking.OutsideAppendedAnswer}},
    openapi_extra=BODY,
)
def append_outside(
    dataset: DatasetPath, body: BodyDep, request: Request, session: SessionDep, options: ConfigDep
) -> Response:
    """Take in forecasts that others made, in the hubverse layout: all of them or none.

    What was stated once stays: the same again is passed over, another value is refused. A fault is answered with its
    row, column and reason; the header of a CSV is row 1. The scheduler scores them once their targets came.
    """
    catalog.dataset(session, dataset)
    table = sent_table(request, body, name="forecasts", limit=options.max_upload_bytes)
    frame = check_hubverse(table, today=options.now().date())
    appended = external_forecasts.append(session, dataset=dataset, frame=frame)
    session.commit()
    answer = {"dataset": dataset, "received": len(frame), **appended._asdict()}
    return json_response(answer, status=201, headers={"Cache-Control": "no-store"})


def _answer(row: Comparison, unique_id: str, unit: str) -> dict[str, Any]:
    fields = row._asdict() | {
        "unique_id": unique_id,
        "unit": unit,
        "month": month_text(row.month),
        "run": row.run_id,
        "first_print": row.first_value,
        "latest": row.latest_value,
        "first_error": _distance(row.first_value, row.point),
        "our_first_error": _distance(row.first_value, row.our_point),
        "latest_error": _distance(row.latest_value, row.point),
        "our_latest_error": _distance(row.latest_value, row.our_point),
    }
    return {name: fields[name] for name in COLUMNS}


def _distance(actual: float | None, point: float | None) -> float | None:
    return None if actual is None or point is None else abs(actual - point)
