"""Events that move trade: read as known on a day, imported, and deleted."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_CACHE, NO_STORE, latest_headers
from api.rest.path_parameters import DatasetPath, EventPath
from api.rest.responses import json_response, list_response, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.events import (
    EventAnswer,
    EventEvidenceAnswer,
    EventEvidencePage,
    EventPage,
    EventsStored,
    SeriesEventAnswer,
    SeriesEventPage,
)
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.events import (
    event_amount_answer,
    event_answer,
    event_evidence_answer,
    series_event_answer,
)
from api.rest.serializers.runs import run_answer
from api.rest.uploads import table_body, uploaded_table
from services.events.events import find_events, listed_events
from services.queries.events import EventQuery, SeriesEventsQuery
from services.queries.runs import EvidenceQuery
from services.runs.run_selection import select_run
from store.models import EVENT_KINDS
from store.queries import events, run_events
from tables import check_events

router = APIRouter(tags=["events"], responses=PROBLEM)
BODY = table_body(
    "events",
    {
        "id": "US_RECIPROCAL_10",
        "kind": "tariff",
        "title": "Reciprocal duty of 10 %",
        "measure": "US_RECIPROCAL",
        "announced": "2025-04-02",
        "effective": "2025-04-05",
        "authority": "White House",
        "reporter": "CHN",
        "flow": "X",
        "partner": "USA",
        "rate_before": 0,
        "rate_after": 10,
        "source": "Executive Order 14257",
    },
    description="Also until, until_known_on, sector, share and note; partner and sector are empty for all.",
)


@router.get("/v1/events", dependencies=[Reader], responses={200: {"model": EventPage}})
def read_events(query: Annotated[EventQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Events by announcement, as known on a day or now. Filters keep the events that concern the codes."""
    found = find_events(session, query)
    return list_response(
        request,
        query,
        total=len(found),
        key="events",
        items=[event_answer(event) for event in page_of(request, query, found)],
        columns=columns(EventAnswer),
        context={"as_of": query.as_of},
        headers=NO_CACHE,
    )


@router.get("/v1/datasets/{dataset}/events", dependencies=[Reader], responses={200: {"model": SeriesEventPage}})
def read_series_events(
    dataset: DatasetPath,
    query: Annotated[SeriesEventsQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The events that concern one series, each with its status in the forecast of the latest run, or of another."""
    run = select_run(session, dataset, query)
    _, catalog = catalogs.of_run(session, run.id)
    series = catalog.single(query.flow, query.partner, query.sector)
    found = listed_events(session, run, series, used=run_events.used(session, run.id))
    return list_response(
        request,
        query,
        total=len(found),
        key="events",
        items=[series_event_answer(row) for row in page_of(request, query, found)],
        columns=columns(SeriesEventAnswer),
        context={"dataset": dataset, "unique_id": series.unique_id, "run": run_answer(run)},
        headers=NO_CACHE,
    )


@router.get(
    "/v1/datasets/{dataset}/events/evidence", dependencies=[Reader], responses={200: {"model": EventEvidencePage}}
)
def read_event_evidence(
    dataset: DatasetPath,
    query: Annotated[EvidenceQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The events that moved the forecasts of the latest run, or of another; errors of its folds with and without.

    Errors are those of forecasts in which a regressor changes between the cutoff and the month forecast.
    """
    run = select_run(session, dataset, query)
    coverage, _ = catalogs.of_run(session, run.id)
    names = {series.id: f"{dataset}.{series.flow}.{series.partner}.{series.sector}" for series in coverage.series}
    found, unit = run_events.evidence(session, run.id), coverage.unit
    effects = [
        event_amount_answer(row, unique_id=names[row.series_id], unit=unit)
        for row in run_events.effects(session, run.id)
    ]
    return list_response(
        request,
        query,
        total=len(found),
        key="evidence",
        items=[event_evidence_answer(row, unit) for row in page_of(request, query, found)],
        columns=columns(EventEvidenceAnswer),
        context={
            "dataset": dataset,
            "unit": unit,
            "run": run_answer(run),
            "used": sorted(run_events.used(session, run.id)),
            "effects": effects,
        },
        headers=latest_headers(request, session, config, run, query)[0],
    )


@router.post(
    "/v1/events",
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={201: {"model": EventsStored}},
    openapi_extra=BODY,
)
def import_events(body: BodyDep, request: Request, session: SessionDep, config: ConfigDep) -> Response:
    """Store events, all of them or none; an event with a known id replaces the stored one.

    An error names row, column and reason; the header of a CSV is row 1.
    """
    table = uploaded_table(request, body, name="events", limit=config.max_upload_bytes)
    frame = check_events(table, kinds=EVENT_KINDS)
    stored = events.put(session, frame)
    session.commit()
    answer = {"received": len(frame), **stored._asdict()}
    return json_response(answer, status=201, headers=NO_STORE)


@router.delete("/v1/events/{event}", status_code=204, dependencies=[Writer, NoParameters])
def delete_event(event: EventPath, session: SessionDep) -> Response:
    """Delete an event."""
    events.remove(session, event)
    session.commit()
    return Response(status_code=204, headers=NO_STORE)
