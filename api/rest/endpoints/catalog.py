"""Datasets, series, partners and sectors."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.authentication import Reader
from api.config import ServerConfig
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.rest.path_parameters import DatasetPath
from api.rest.responses import list_response, object_response, page_limit, page_of
from api.rest.schemas.catalog import (
    DatasetAnswer,
    DatasetPage,
    PartnerAnswer,
    PartnerPage,
    SectorAnswer,
    SectorPage,
    SeriesAnswer,
    SeriesPage,
)
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from forecasting.data.months import format_month
from services.parameters import Paged, Parameters
from services.queries.catalog import CatalogQuery, SeriesQuery
from services.runs.freshness import dataset_freshness
from services.series.series_catalog import SeriesCatalog
from store.queries import catalog

router = APIRouter(tags=["catalog"], dependencies=[Reader], responses=PROBLEM)
DATASET_COLUMNS = columns(DatasetAnswer, without=("groups", "overdue"))


@router.get("/v1/datasets", responses={200: {"model": DatasetPage}})
def read_datasets(
    query: Annotated[Paged, Query()], request: Request, session: SessionDep, config: ConfigDep
) -> Response:
    """Datasets, with their units, licences, overdue releases and partner groups."""
    found = catalog.datasets(session)
    page = page_of(request, query, found)
    items = [_dataset_answer(session, record, config) for record in page]
    return list_response(request, query, total=len(found), key="datasets", items=items, columns=DATASET_COLUMNS)


@router.get("/v1/datasets/{dataset}", responses={200: {"model": DatasetAnswer}})
def read_dataset(
    dataset: DatasetPath,
    query: Annotated[Parameters, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
) -> Response:
    """A dataset."""
    answer = _dataset_answer(session, catalog.dataset(session, dataset), config)
    return object_response(request, query.format, answer, columns=DATASET_COLUMNS)


@router.get("/v1/datasets/{dataset}/series", responses={200: {"model": SeriesPage}})
def read_series(
    dataset: DatasetPath,
    query: Annotated[SeriesQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Stored series of a dataset. Observations and forecasts are available for balances and groups too."""
    _, stored = catalogs.of_dataset(session, dataset)
    # The flow is an enumeration: one that the dataset does not have yields an empty list.
    stored.refuse_unknown({"flow": None, "partner": query.partner, "sector": query.sector}, stored.codes)
    found = catalog.series(
        session,
        dataset,
        flow=query.flow[0] if query.flow and len(query.flow) == 1 else None,
        partner=query.partner or (),
        sector=query.sector or (),
        q=query.q,
        as_of=query.as_of,
        limit=page_limit(request, query),
        offset=query.offset,
    )
    return list_response(
        request,
        query,
        total=found.total,
        key="series",
        items=[_series_answer(row, stored) for row in found.rows],
        columns=columns(SeriesAnswer),
    )


@router.get("/v1/partners", responses={200: {"model": PartnerPage}})
def read_partners(query: Annotated[CatalogQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Countries and groups, by code. The members of a group are listed with each dataset."""
    found = catalog.partners(session, q=query.q, limit=page_limit(request, query), offset=query.offset)
    items = [row._asdict() for row in found.rows]
    return list_response(request, query, total=found.total, key="partners", items=items, columns=columns(PartnerAnswer))


@router.get("/v1/sectors", responses={200: {"model": SectorPage}})
def read_sectors(query: Annotated[CatalogQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Sectors, by code."""
    found = catalog.sectors(session, q=query.q, limit=page_limit(request, query), offset=query.offset)
    items = [row._asdict() for row in found.rows]
    return list_response(request, query, total=found.total, key="sectors", items=items, columns=columns(SectorAnswer))


def _dataset_answer(session: Session, record: catalog.DatasetRecord, config: ServerConfig) -> DatasetAnswer:
    groups = catalog.groups(session, record.id)
    overdue = (
        dataset_freshness(session, record.id, record.end, now=config.now(), grace=config.grace).overdue
        if record.end
        else ()
    )
    return {
        "id": record.id,
        "title": record.title,
        "reporter": record.reporter,
        "currency": record.currency,
        "unit": record.unit,
        "publisher": record.publisher,
        "licence": record.licence,
        "citation": record.citation,
        "release_day": record.release_day,
        "series": record.series,
        "first_month": format_month(record.start),
        "last_month": format_month(record.end),
        "overdue": [f"{month:%Y-%m}" for month in overdue or ()],
        "derives_rest": record.derives_rest,
        "derives_total": record.derives_total,
        "allows_negative": record.allows_negative,
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


def _series_answer(row: catalog.SeriesRecord, stored: SeriesCatalog) -> SeriesAnswer:
    record = stored.sector_records[row.sector]
    return {
        "unique_id": row.unique_id,
        "dataset": row.dataset_id,
        "flow": row.flow,
        "partner": row.partner,
        "partner_name": row.partner_name,
        "sector": row.sector,
        "sector_name": row.sector_name,
        "unit": record.unit or stored.unit,
    }
