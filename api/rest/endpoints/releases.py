"""The release calendar: read, followed from a calendar program, and edited."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import BodyDep, ConfigDep, SessionDep, may_read, may_write
from api.rest.direct import DirectRoute
from api.rest.icalendar import calendar_feed
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import common
from api.rest.serializers.forecasts import month_text
from api.rest.uploads import sent_table
from services.parameters import CalendarQuery, ReleaseQuery
from store.queries import catalog, releases
from store.queries.releases import ReleaseRecord
from tables import check_releases

router = APIRouter(route_class=DirectRoute, tags=["releases"])
COLUMNS = tuple(common.ReleaseAnswer.model_fields)
FEED_PAST = timedelta(days=366)
ICALENDAR = "text/calendar"
BODY = {
    "requestBody": {
        "required": True,
        "description": "dataset, period (YYYY-MM), due_on (YYYY-MM-DD) and, if known, time (HH:MM, HH:MM+08:00).",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "dataset,period,due_on,time\nCN_TRADE,2026-08,2026-09-08,11:00+08:00\n",
            },
            "application/json": {
                "schema": {"type": "object"},
                "example": {"releases": [{"dataset": "CN_TRADE", "period": "2026-08", "due_on": "2026-09-08"}]},
            },
        },
    }
}


@router.get(
    "/v1/datasets/{dataset}/releases",
    dependencies=[Depends(may_read)],
    responses={200: {"model": common.ReleasePage}},
)
def read_releases(
    dataset: DatasetPath,
    query: Annotated[ReleaseQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
) -> Response:
    """What was published when, and what is due: every month of a dataset's calendar, oldest first."""
    catalog.dataset(session, dataset)
    now = options.now()
    answers = [_answer(one, now, options.grace) for one in releases.releases(session, dataset, since=query.start)]
    wanted = [one for one in answers if query.status in (None, one["status"])]
    page = paging(request, limit=query.limit, offset=query.offset, total=len(wanted))
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    shown = wanted[query.offset : query.offset + query.limit]
    if wanted_format(request, query.format) == "csv":
        return csv_response(COLUMNS, ([one[column] for column in COLUMNS] for one in shown), headers=headers)
    return json_response({"dataset": dataset, **page, "releases": shown}, headers=headers)


@router.post(
    "/v1/releases",
    status_code=201,
    dependencies=[Depends(may_write)],
    responses={201: {"model": common.PlannedReleases}},
    openapi_extra=BODY,
)
def plan_releases(body: BodyDep, request: Request, session: SessionDep, options: ConfigDep) -> Response:
    """Put due dates in place of those there are, all of them or none; what was published stays as it is.

    A fault is answered with its row, column and reason; the header of a CSV is row 1.
    """
    frame = check_releases(sent_table(request, body, name="releases", limit=options.max_upload_bytes))
    planned = releases.plan(session, frame)
    session.commit()
    return json_response({"planned": planned}, status=201, headers={"Cache-Control": "no-store"})


@router.get(
    "/v1/calendar.ics", dependencies=[Depends(may_read)], responses={200: {"content": {ICALENDAR: {"schema": {}}}}}
)
def read_calendar(query: Annotated[CalendarQuery, Query()], session: SessionDep, options: ConfigDep) -> Response:
    """Releases of the past year and those ahead as an iCalendar feed, to be subscribed to."""
    if query.dataset is not None:
        catalog.dataset(session, query.dataset)
    chosen = [one for one in catalog.datasets(session) if query.dataset in (None, one.id)]
    now = options.now()
    planned = {one: releases.releases(session, one.id, since=(now - FEED_PAST).date()) for one in chosen}
    feed = calendar_feed(planned, now=now, grace=options.grace)
    return Response(feed, headers={"Cache-Control": "no-cache"}, media_type=f"{ICALENDAR}; charset=utf-8")


def _answer(one: ReleaseRecord, now: datetime, grace: timedelta) -> dict[str, Any]:
    known = one._asdict() | {"period": month_text(one.period), "status": one.status(now, grace)}
    return {name: known[name] for name in COLUMNS}
