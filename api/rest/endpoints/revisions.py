"""Revisions of observations after their first publication."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_CACHE
from api.rest.path_parameters import DatasetPath
from api.rest.responses import list_response, page_limit
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.revisions import AgeAnswer, RevisionAnswer, RevisionPage, VintageAnswer
from forecasting.data.months import format_month
from services.datasets.table_facts import table_facts
from services.queries.catalog import RevisionQuery
from services.series.series_catalog import part_names
from store.queries import revisions
from store.queries.revisions import RevisionRecord, RevisionSelection, VintageRecord

router = APIRouter(tags=["observations"], dependencies=[Reader], responses=PROBLEM)
EMPTY = dict.fromkeys(("revised_data", "by_age", "revisions", "observations"))
"""Members of the JSON answer that were not requested."""


@router.get("/v1/datasets/{dataset}/revisions", responses={200: {"model": RevisionPage}})
def read_revisions(
    dataset: DatasetPath,
    query: Annotated[RevisionQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """First print, latest value and revision of each month, and the bias and spread of revisions by age.

    With `output_type` the vintages themselves, as in ALFRED: 1 by real-time period, 2 everything known on each vintage
    date, 3 only new or revised values, 4 first prints. A partner group stands for its members.
    """
    _, known = catalogs.of_dataset(session, dataset)
    selected = known.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names, unit = part_names(selected), known.common_unit(selected)
    as_of = query.as_of or config.now().date()
    selection = RevisionSelection(list(names), query.start or date.min, query.end or date.max, as_of)
    read = _read_revisions if query.output_type is None else _read_vintages
    found = read(session, selection, query, names, unit, page_limit(request, query))
    context = {"dataset": dataset, "unit": unit, "as_of": as_of, "output_type": query.output_type}
    return list_response(
        request,
        query,
        total=found.total,
        key=found.key,
        items=found.rows,
        columns=found.columns,
        context={**context, **EMPTY, **found.members},
        headers=NO_CACHE,
        facts=partial(table_facts, session, dataset),
    )


class _Found(NamedTuple):
    """Rows of a page under their key, their number in all, and further members of the JSON answer."""

    key: str
    rows: list[Any]
    columns: tuple[str, ...]
    total: int
    members: dict[str, Any]


def _read_revisions(
    session: Session,
    selection: RevisionSelection,
    query: RevisionQuery,
    names: Mapping[int, str],
    unit: str,
    limit: int,
) -> _Found:
    """Revisions by month and by age, or by age alone."""
    ages = [row._asdict() | {"unit": unit} for row in revisions.by_age(session, selection)]
    if query.by == "age":
        return _Found("by_age", ages[query.offset : query.offset + limit], columns(AgeAnswer), len(ages), {})
    found = revisions.revisions(session, selection, limit=limit, offset=query.offset)
    rows = [_revision_answer(row, names[row.series_id], unit) for row in found.rows]
    members = {"revised_data": found.revised_data, "by_age": ages}
    return _Found("revisions", rows, columns(RevisionAnswer), found.total, members)


def _read_vintages(
    session: Session,
    selection: RevisionSelection,
    query: RevisionQuery,
    names: Mapping[int, str],
    unit: str,
    limit: int,
) -> _Found:
    """Vintages of the requested output type."""
    assert query.output_type is not None
    found = revisions.vintages(session, selection, query.output_type, limit=limit, offset=query.offset)
    rows = [_vintage_answer(row, names[row.series_id], unit) for row in found.rows]
    return _Found("observations", rows, columns(VintageAnswer), found.total, {})


def _revision_answer(row: RevisionRecord, unique_id: str, unit: str) -> RevisionAnswer:
    change = row.latest - row.first
    known = not row.backfilled
    return {
        "unique_id": unique_id,
        "month": format_month(row.month),
        "months": row.months,
        "unit": unit,
        "first": row.first if known else None,
        "first_vintage": row.first_vintage if known else None,
        "latest": row.latest,
        "latest_vintage": row.latest_vintage,
        "revision": change if known else None,
        "revision_percent": 100 * change / row.first if known and row.first else None,
        "vintages": row.vintages,
    }


def _vintage_answer(row: VintageRecord, unique_id: str, unit: str) -> VintageAnswer:
    return {
        "unique_id": unique_id,
        "month": format_month(row.month),
        "months": row.months,
        "vintage": row.vintage,
        "value": row.value,
        "unit": unit,
        "status": row.status,
        "realtime_start": row.realtime_start,
        "realtime_end": row.realtime_end,
        "backfilled": row.backfilled,
    }
