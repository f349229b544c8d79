"""Observed values: read as of a day, and appended."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import dataset_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, list_response, page_limit
from api.rest.schemas.common import columns
from api.rest.schemas.observations import AppendedAnswer, ObservationAnswer, ObservationPage
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.series import SERIES_COLUMNS, series_cells
from api.rest.uploads import table_body, uploaded_table
from forecasting.data.months import format_month
from services.datasets import refuse_new_jumps
from services.queries.catalog import AppendQuery, ObservationQuery
from services.series_catalog import SeriesCatalog
from store.models import ResolvedSeries
from store.queries import catalog, observation_writes, observations
from store.queries.observations import ObservationRecord
from tables import check_observations

router = APIRouter(tags=["observations"], responses=PROBLEM)
BODY = table_body(
    "observations",
    {"month": "2026-08", "flow": "X", "partner": "WLD", "sector": "TOTAL", "value": 321.4},
    description="month, flow, partner, sector, value and, if known, vintage (YYYY-MM-DD), months, status.",
)


@router.get("/v1/datasets/{dataset}/observations", dependencies=[Reader], responses={200: {"model": ObservationPage}})
def read_observations(
    dataset: DatasetPath,
    query: Annotated[ObservationQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Values by series and month, in the dataset's unit, as known on a day or now.

    Balances (`flow=B`) and partner groups are summed from their parts; a month without all parts is left out.
    """
    _, known = catalogs.of_dataset(session, dataset)
    headers = dataset_headers(request, config, *observations.extent(session, dataset))
    selected = known.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    found = observations.values(
        session,
        selected,
        start=query.start,
        end=query.end,
        as_of=query.as_of,
        updated_after=query.updated_after,
        limit=page_limit(request, query),
        offset=query.offset,
    )
    return list_response(
        request,
        query,
        total=found.total,
        key="observations",
        items=(_observation_answer(row, dataset, known.unit) for row in found.rows),
        columns=(*columns(ObservationAnswer), *SERIES_COLUMNS),
        rows=_observation_rows(found.rows, known, selected),
        context={
            **{"dataset": dataset, "unit": known.unit, "as_of": query.as_of},
            "revised_data": any(row.backfilled for row in found.rows),
        },
        headers=headers,
    )


@router.post(
    "/v1/datasets/{dataset}/observations",
    status_code=201,
    dependencies=[Writer],
    responses={201: {"model": AppendedAnswer}},
    openapi_extra=BODY,
)
def append_observations(
    dataset: DatasetPath,
    query: Annotated[AppendQuery, Query()],
    body: BodyDep,
    request: Request,
    session: SessionDep,
    config: ConfigDep,
) -> Response:
    """Append observations, all of them or none. A value that is stored already is not stored again.

    An error names row, column and reason; the header of a CSV is row 1.
    """
    record = catalog.dataset(session, dataset)
    today = config.now().date()
    table = uploaded_table(request, body, name="observations", limit=config.max_upload_bytes)
    frame = check_observations(table, today=today, negative=record.allows_negative)
    refuse_new_jumps(session, dataset, frame, force=query.force)
    appended = observation_writes.append(session, dataset=dataset, frame=frame, vintage=today)
    session.commit()
    answer = {"dataset": dataset, "received": len(frame), **appended._asdict()}
    return json_response(answer, status=201, headers={"Cache-Control": "no-store"})


def _observation_rows(
    rows: Iterable[ObservationRecord], catalog: SeriesCatalog, selected: Iterable[ResolvedSeries]
) -> Iterator[tuple[Any, ...]]:
    """Observations as rows of a table, each with the names of its series."""
    names = {(series.flow, series.partner, series.sector): series_cells(catalog, series) for series in selected}
    for row in rows:
        values = _observation_answer(row, catalog.dataset, catalog.unit).values()
        yield (*values, *names[row.flow, row.partner, row.sector], row.month)


def _observation_answer(row: ObservationRecord, dataset: str, unit: str) -> ObservationAnswer:
    return {
        "unique_id": f"{dataset}.{row.flow}.{row.partner}.{row.sector}",
        "month": format_month(row.month),
        "value": row.value,
        "unit": unit,
        "months": row.months,
        "status": row.status,
        "vintage": row.vintage,
        "backfilled": row.backfilled,
    }
