"""How figures changed after they were first published."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import revisions as schemas
from api.rest.serializers.forecasts import month_text
from services.parameters import RevisionQuery
from store.queries import revisions
from store.queries.revisions import Asked, RevisionRecord, VintageRecord

router = APIRouter(route_class=DirectRoute, tags=["observations"], dependencies=[Depends(may_read)])
AGES = tuple(schemas.AgeAnswer.model_fields)
MONTHS = tuple(schemas.RevisionAnswer.model_fields)
VINTAGES = tuple(schemas.VintageAnswer.model_fields)
NOTHING = dict.fromkeys(("revised_data", "by_age", "revisions", "observations"))
"""What JSON says where it was not asked."""


@router.get("/v1/datasets/{dataset}/revisions", responses={200: {"model": schemas.RevisionPage}})
def read_revisions(
    dataset: DatasetPath,
    query: Annotated[RevisionQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """First print, latest value and revision of each month, and the bias and spread of revisions by age.

    With `output_type` the vintages themselves, as ALFRED has them: 1 by real-time period, 2 everything known on each
    vintage date, 3 only what was new or revised then, 4 first prints. A partner group stands for its members here.
    """
    _, known = catalogs.of_dataset(session, dataset)
    chosen = known.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names = {part.series_id: part.unique_id for one in chosen for part in one.parts}
    as_of = query.as_of or options.now().date()
    asked = Asked(list(names), query.start or date.min, query.end or date.max, as_of)
    read = _compared if query.output_type is None else _listed
    found = read(session, asked, query, names, known.unit)
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        return csv_response(found.columns, ([row[one] for one in found.columns] for row in found.rows), headers=headers)
    about = {"dataset": dataset, "unit": known.unit, "as_of": as_of, "output_type": query.output_type}
    return json_response({**about, **NOTHING, **page, **found.members}, headers=headers)


class _Found(NamedTuple):
    """A page's rows, how many there are in all, and what JSON says of them."""

    rows: list[dict[str, Any]]
    columns: tuple[str, ...]
    total: int
    members: dict[str, Any]


def _compared(session: Session, asked: Asked, query: RevisionQuery, names: Mapping[int, str], unit: str) -> _Found:
    """Revisions by month and by age, or by age alone."""
    ages = [one._asdict() | {"unit": unit} for one in revisions.by_age(session, asked)]
    if query.by == "age":
        return _Found(ages[query.offset : query.offset + query.limit], AGES, len(ages), {"by_age": ages})
    found = revisions.revisions(session, asked, limit=query.limit, offset=query.offset)
    rows = [_revision(row, names[row.series_id], unit) for row in found.rows]
    members = {"revised_data": found.revised_data, "by_age": ages, "revisions": rows}
    return _Found(rows, MONTHS, found.total, members)


def _listed(session: Session, asked: Asked, query: RevisionQuery, names: Mapping[int, str], unit: str) -> _Found:
    """Vintages themselves."""
    assert query.output_type is not None
    found = revisions.vintages(session, asked, query.output_type, limit=query.limit, offset=query.offset)
    rows = [_vintage(row, names[row.series_id], unit) for row in found.rows]
    return _Found(rows, VINTAGES, found.total, {"observations": rows})


def _revision(row: RevisionRecord, unique_id: str, unit: str) -> dict[str, Any]:
    fields = row._asdict() | {"unique_id": unique_id, "unit": unit, "month": month_text(row.month)}
    change = row.latest - row.first
    fields |= {"revision": change, "revision_percent": 100 * change / row.first if row.first else None}
    if row.backfilled:
        fields |= dict.fromkeys(("first", "first_vintage", "revision", "revision_percent"))
    return {name: fields[name] for name in MONTHS}


def _vintage(row: VintageRecord, unique_id: str, unit: str) -> dict[str, Any]:
    fields = row._asdict() | {"unique_id": unique_id, "unit": unit, "month": month_text(row.month)}
    return {name: fields[name] for name in VINTAGES}
