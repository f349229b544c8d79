"""What there is: datasets, series, partners, sectors."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import common
from api.rest.serializers.forecasts import month_text
from services.parameters import CatalogQuery, Paged, Parameters, SeriesQuery
from store.queries import catalog

router = APIRouter(route_class=DirectRoute, tags=["catalog"], dependencies=[Depends(may_read)])


@router.get("/v1/datasets", responses={200: {"model": common.DatasetPage}})
def read_datasets(query: Annotated[Paged, Query()], request: Request, session: SessionDep) -> Response:
    """Datasets, with their units, licences and partner groups."""
    found = catalog.datasets(session)
    shown = found[query.offset : query.offset + query.limit]
    rows = [_dataset_answer(one, catalog.groups(session, one.id)) for one in shown]
    return _listed(request, query, "datasets", common.DatasetAnswer, rows, total=len(found))


@router.get("/v1/datasets/{dataset}", responses={200: {"model": common.DatasetAnswer}})
def read_dataset(
    dataset: DatasetPath, query: Annotated[Parameters, Query()], request: Request, session: SessionDep
) -> Response:
    """One dataset."""
    answer = _dataset_answer(catalog.dataset(session, dataset), catalog.groups(session, dataset))
    if wanted_format(request, query.format) == "json":
        return json_response(answer)
    return _table(common.DatasetAnswer, [answer])


@router.get("/v1/datasets/{dataset}/series", responses={200: {"model": common.SeriesPage}})
def read_series(
    dataset: DatasetPath,
    query: Annotated[SeriesQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Stored series of a dataset. Balances and groups are answered too where figures are asked for."""
    record, stored = catalogs.of_dataset(session, dataset)
    # A flow cannot be misspelt: one that the dataset lacks has no series to list.
    stored.refuse_unknown({"flow": None, "partner": query.partner, "sector": query.sector}, stored.codes)
    found = catalog.series(
        session,
        dataset,
        flow=query.flow[0] if query.flow and len(query.flow) == 1 else None,
        partner=query.partner or (),
        sector=query.sector or (),
        q=query.q,
        as_of=query.as_of,
        limit=query.limit,
        offset=query.offset,
    )
    rows = [
        {
            "unique_id": one.unique_id,
            "dataset": dataset,
            "flow": one.flow,
            "partner": one.partner,
            "partner_name": one.partner_name,
            "sector": one.sector,
            "sector_name": one.sector_name,
            "unit": record.unit,
        }
        for one in found.rows
    ]
    return _listed(request, query, "series", common.SeriesAnswer, rows, total=found.total)


@router.get("/v1/partners", responses={200: {"model": common.PartnerPage}})
def read_partners(query: Annotated[CatalogQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Countries and groups, by code. A dataset's groups and their members are listed with the dataset."""
    found = catalog.partners(session, q=query.q, limit=query.limit, offset=query.offset)
    return _listed(
        request, query, "partners", common.PartnerAnswer, [row._asdict() for row in found.rows], total=found.total
    )


@router.get("/v1/sectors", responses={200: {"model": common.SectorPage}})
def read_sectors(query: Annotated[CatalogQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Sectors, by code."""
    found = catalog.sectors(session, q=query.q, limit=query.limit, offset=query.offset)
    return _listed(
        request, query, "sectors", common.SectorAnswer, [row._asdict() for row in found.rows], total=found.total
    )


def _dataset_answer(one: catalog.DatasetRecord, groups: list[catalog.GroupRecord]) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "reporter": one.reporter,
        "currency": one.currency,
        "unit": one.unit,
        "publisher": one.publisher,
        "licence": one.licence,
        "citation": one.citation,
        "release_day": one.release_day,
        "derives_rest": one.derives_rest,
        "derives_total": one.derives_total,
        "allows_negative": one.allows_negative,
        "series": one.series,
        "first_month": month_text(one.start),
        "last_month": month_text(one.end),
        "groups": [
            {
                "code": group.code,
                "name": group.label,
                "members": list(group.members),
                "size": group.size,
                "published": group.published,
            }
            for group in groups
        ],
    }


def _listed(
    request: Request,
    query: Paged,
    name: str,
    shape: type[BaseModel],
    rows: list[dict[str, Any]],
    *,
    total: int,
) -> Response:
    """One page of a list of objects of a shape, in JSON, or in CSV without what is nested in them."""
    page = paging(request, limit=query.limit, offset=query.offset, total=total)
    headers = paging_headers(page)
    if wanted_format(request, query.format) == "json":
        return json_response({**page, name: rows}, headers=headers)
    return _table(shape, rows, headers)


def _table(shape: type[BaseModel], rows: list[dict[str, Any]], headers: dict[str, str] | None = None) -> Response:
    columns = [column for column in shape.model_fields if column != "groups"]
    return csv_response(columns, ([row[column] for column in columns] for row in rows), headers=headers)
