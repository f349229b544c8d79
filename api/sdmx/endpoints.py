"""Endpoints of SDMX 2.1 REST, as known now or on a day (/sdmx/2.1/asof/2026-08-11/...), and of SDMX 3.0 REST."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlmodel import Session

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.exception_handlers import NotSupported
from api.sdmx.artefacts import CODED, DATAFLOWS, Dataflow, codelists
from api.sdmx.data import Selection, Series, parse_key, read_series
from api.sdmx.errors import UnknownArtefact, UnreadablePeriod
from api.sdmx.json_messages import json_data
from api.sdmx.messages import csv_columns, csv_rows, generic_data, specific_data, structure_message
from presentation.exports import csv_parts
from services.series.catalog_cache import CatalogCache

router = APIRouter(include_in_schema=False, dependencies=[Reader])
GENERIC = "application/vnd.sdmx.genericdata+xml;version=2.1"
SPECIFIC = "application/vnd.sdmx.structurespecificdata+xml;version=2.1"
SPECIFIC_3_0 = "application/vnd.sdmx.data+xml;version=3.0.0"
STRUCTURE = "application/vnd.sdmx.structure+xml;version=2.1"
STRUCTURE_3_0 = "application/vnd.sdmx.structure+xml;version=3.0.0"
CSV = "application/vnd.sdmx.data+csv"
JSON = "application/vnd.sdmx.data+json"
ALL = {"all", "ALL", "*"}
BASES, BASE_3_0 = ("/sdmx/2.1", "/sdmx/2.1/asof/{as_of}"), "/sdmx/3.0"
MONTHS = {"Q": 3, "S": 6, "T": 4}


def _first_month(value: object) -> object:
    return _month(value, last=False)


def _last_month(value: object) -> object:
    return _month(value, last=True)


def _month(value: object, *, last: bool) -> object:
    """The first or last month of a period: 2026, 2026-08, 2026-08-31, 2026-Q3."""
    if not isinstance(value, str):
        return value
    if found := re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-\d{2}(?:T.*)?)?)?", value):
        month = int(found[2]) if found[2] else (12 if last else 1)
        return date(int(found[1]), month, 1)
    if found := re.fullmatch(r"(\d{4})-([QST])([1-4])", value):
        length = MONTHS[found[2]]
        return date(int(found[1]), length * int(found[3]) - (0 if last else length - 1), 1)
    raise ValueError("a period is written 2026, 2026-08 or 2026-Q3")


class StructureQuery(BaseModel):
    """Parameters of structure queries."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    references: str = "none"


class DataQuery(BaseModel):
    """Parameters of data queries."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    start: Annotated[date | None, BeforeValidator(_first_month)] = Field(default=None, alias="startPeriod")
    end: Annotated[date | None, BeforeValidator(_last_month)] = Field(default=None, alias="endPeriod")
    detail: Literal["full", "dataonly", "serieskeysonly", "nodata"] = "full"
    first: int | None = Field(default=None, ge=1, alias="firstNObservations")
    last: int | None = Field(default=None, ge=1, alias="lastNObservations")
    at: str = Field(default="TIME_PERIOD", alias="dimensionAtObservation")


Resource = Annotated[str, Path(pattern=r"^[A-Za-z0-9_@$+*,.-]{1,200}$")]


def _structures(
    request: Request,
    kind: Literal["dataflow", "datastructure", "codelist", "conceptscheme"],
    session: SessionDep,
    config: ConfigDep,
    query: Annotated[StructureQuery, Query()],
) -> Response:
    """Structures of a kind, all or one, with those that they refer to if `references` asks for it."""
    resource = request.path_params.get("resource", "all")
    version: Literal["2.1", "3.0"] = "3.0" if request.url.path.startswith(BASE_3_0) else "2.1"
    codes = codelists(session)
    flows = _chosen(kind, resource) if kind in ("dataflow", "datastructure") else []
    everything = query.references in ("all", "descendants", "children", "parentsandsiblings")
    names = {CODED[name] for flow in flows for name in (*flow.dimensions, "OBS_STATUS") if name in CODED}
    wanted_codes = {name: codes[name] for name in codes if name in names} if everything else {}
    if kind == "codelist":
        if resource not in {*codes, *ALL}:
            raise UnknownArtefact("codelist", resource)
        wanted_codes = codes if resource in ALL else {resource: codes[resource]}
    content = structure_message(
        config.now(),
        flows=flows if kind == "dataflow" or query.references in ("all", "parents", "parentsandsiblings") else [],
        structures=flows if kind == "datastructure" or everything else [],
        codes=wanted_codes,
        concepts=kind == "conceptscheme" or (everything and bool(flows)),
        version=version,
    )
    return Response(
        content,
        media_type=STRUCTURE if version == "2.1" else STRUCTURE_3_0,
        headers={"Vary": "Accept, Accept-Language"},
    )


def _data(
    request: Request,
    flow_ref: Resource,
    session: SessionDep,
    catalogs: CatalogCacheDep,
    config: ConfigDep,
    query: Annotated[DataQuery, Query()],
) -> Response:
    """Data of a dataflow and a key."""
    flow, key, as_of = _requested(request, flow_ref)
    found = _found(session, catalogs, flow, key, as_of, query)
    accept = request.headers.get("accept", "").lower()
    headers = {"Vary": "Accept, Accept-Language"}
    if CSV in accept or "text/csv" in accept:
        version = "2.0.0" if "version=2" in accept else "1.0.0"
        parts = csv_parts(csv_columns(flow, version), csv_rows(flow, found, version))
        return StreamingResponse(parts, media_type=f"{CSV};version={version}", headers=headers)
    if JSON in accept or "application/json" in accept:
        content = orjson.dumps(json_data(config.now(), flow, found))
        return Response(content, media_type=f"{JSON};version=1.0.0", headers=headers)
    if "structurespecific" in accept:
        return Response(specific_data(config.now(), flow, found), media_type=SPECIFIC, headers=headers)
    return Response(generic_data(config.now(), flow, found), media_type=GENERIC, headers=headers)


def _data_3_0(
    request: Request,
    flow_ref: Resource,
    session: SessionDep,
    catalogs: CatalogCacheDep,
    config: ConfigDep,
    times: Annotated[str, Query(alias="c[TIME_PERIOD]", max_length=80)] = "",
    at: Annotated[str, Query(alias="dimensionAtObservation")] = "TIME_PERIOD",
) -> Response:
    """Data of a dataflow and a key by the SDMX 3.0 REST interface, `*` for all codes of a dimension."""
    bounds = dict(bound.split(":", 1) for bound in re.split(r"[+ ]", times) if ":" in bound)
    if set(bounds) - {"ge", "le"}:
        raise UnreadablePeriod(times)
    try:
        query = DataQuery.model_validate(
            {"startPeriod": bounds.get("ge"), "endPeriod": bounds.get("le"), "dimensionAtObservation": at}
        )
    except ValidationError as error:
        raise UnreadablePeriod(times) from error
    flow, key, as_of = _requested(request, flow_ref)
    key = ".".join("" if position == "*" else position for position in key.split("."))
    found = _found(session, catalogs, flow, key, as_of, query)
    accept, headers = request.headers.get("accept", "").lower(), {"Vary": "Accept, Accept-Language"}
    if CSV in accept or "text/csv" in accept:
        parts = csv_parts(csv_columns(flow, "2.0.0"), csv_rows(flow, found, "2.0.0"))
        return StreamingResponse(parts, media_type=f"{CSV};version=2.0.0", headers=headers)
    content = specific_data(config.now(), flow, found, "3.0")
    return Response(content, media_type=SPECIFIC_3_0, headers=headers)


def _found(
    session: Session, catalogs: CatalogCache, flow: Dataflow, key: str, as_of: date | None, query: DataQuery
) -> list[Series]:
    """The series of a key. Raises NotSupported, UnreadableKey, UnknownArtefact."""
    if query.at != "TIME_PERIOD":
        raise NotSupported("data are grouped by series: dimensionAtObservation must be TIME_PERIOD")
    selection = Selection(parse_key(flow, key), query.start, query.end, as_of)
    found = [_limited(series, query) for series in read_series(session, catalogs, flow, selection)]
    found = [series for series in found if series.observations or query.detail in ("serieskeysonly", "nodata")]
    if not found:
        raise UnknownArtefact("data for the key", f"{flow.id}/{key}")
    return found


def _available(
    request: Request,
    flow_ref: Resource,
    session: SessionDep,
    catalogs: CatalogCacheDep,
    config: ConfigDep,
) -> Response:
    """The codes of each dimension for which a key has data."""
    flow, key, as_of = _requested(request, flow_ref)
    selection = Selection(parse_key(flow, key), None, None, as_of)
    keys = [series.key for series in read_series(session, catalogs, flow, selection)]
    codes = {name: sorted({found[place] for found in keys}) for place, name in enumerate(flow.dimensions)}
    content = structure_message(config.now(), constraint=(flow, codes))
    return Response(content, media_type=STRUCTURE)


def _limited(series: Series, query: DataQuery) -> Series:
    """The series with the observations that the query asks for."""
    if query.detail in ("serieskeysonly", "nodata"):
        return series._replace(observations=[])
    rows = series.observations[: query.first]
    return series._replace(observations=rows[-query.last :] if query.last else rows)


def _requested(request: Request, reference: str) -> tuple[Dataflow, str, date | None]:
    """The dataflow, the key and the day of a path; a key or a day may be absent. Raises UnknownArtefact."""
    day = request.path_params.get("as_of")
    try:
        as_of = None if day is None else date.fromisoformat(day)
    except ValueError as error:
        raise UnknownArtefact("day", str(day)) from error
    return _flow_of(reference), request.path_params.get("key", "all"), as_of


def _flow_of(reference: str) -> Dataflow:
    """The dataflow of F, AGENCY,F or AGENCY,F,VERSION. Raises UnknownArtefact."""
    parts = reference.split(",")
    name = parts[0] if len(parts) == 1 else parts[1]
    if name not in DATAFLOWS:
        raise UnknownArtefact("dataflow", name)
    return DATAFLOWS[name]


def _chosen(kind: str, resource: str) -> Sequence[Dataflow]:
    if resource in ALL:
        return list(DATAFLOWS.values())
    if resource not in DATAFLOWS:
        raise UnknownArtefact(kind, resource)
    return [DATAFLOWS[resource]]


for _base in BASES:
    for _path in ("/data/{flow_ref}", "/data/{flow_ref}/{key}", "/data/{flow_ref}/{key}/{provider}"):
        router.get(f"{_base}{_path}")(_data)
    for _path in ("/availableconstraint/{flow_ref}", "/availableconstraint/{flow_ref}/{key}"):
        router.get(f"{_base}{_path}")(_available)
    for _path in ("", "/{agency}", "/{agency}/{resource}", "/{agency}/{resource}/{version}"):
        router.get(f"{_base}/{{kind}}{_path}")(_structures)

for _path in ("", "/{key}"):
    router.get(f"{BASE_3_0}/data/{{context}}/{{agency}}/{{flow_ref}}/{{version}}{_path}")(_data_3_0)
for _path in ("", "/{agency}", "/{agency}/{resource}", "/{agency}/{resource}/{version}"):
    router.get(f"{BASE_3_0}/structure/{{kind}}{_path}")(_structures)
