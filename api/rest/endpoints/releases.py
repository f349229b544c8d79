"""The release calendar: read, subscribed to as iCalendar, and edited."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_CACHE, NO_STORE
from api.rest.icalendar import calendar_feed
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, list_response, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.releases import PlannedReleases, ReleaseAnswer, ReleasePage
from api.rest.uploads import table_body, uploaded_table
from forecasting.data.months import format_month
from services.queries.catalog import CalendarQuery, ReleaseQuery
from store.queries import catalog, releases
from store.queries.releases import ReleaseRecord
from tables import check_releases

router = APIRouter(tags=["releases"], responses=PROBLEM)
FEED_PAST = timedelta(days=366)
ICALENDAR = "text/calendar"
BODY = table_body(
    "releases",
    {"dataset": "CN_TRADE", "period": "2026-08", "due_on": "2026-09-08", "time": "11:00+08:00"},
    description="dataset, period (YYYY-MM), due_on (YYYY-MM-DD) and, if known, time (HH:MM, HH:MM+08:00).",
)


@router.get("/v1/datasets/{dataset}/releases", dependencies=[Reader], responses={200: {"model": ReleasePage}})
def read_releases(
    dataset: DatasetPath,
    query: Annotated[ReleaseQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
) -> Response:
    """Every month of a dataset's release calendar, oldest first: due date and publication."""
    catalog.dataset(session, dataset)
    now = config.now()
    records = releases.releases(session, dataset, since=query.start)
    answers = [_release_answer(record, now, config.grace) for record in records]
    wanted = [answer for answer in answers if query.status in (None, answer["status"])]
    return list_response(
        request,
        query,
        total=len(wanted),
        key="releases",
        items=page_of(request, query, wanted),
        columns=columns(ReleaseAnswer),
        context={"dataset": dataset},
        headers=NO_CACHE,
    )


@router.post(
    "/v1/releases",
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={201: {"model": PlannedReleases}},
    openapi_extra=BODY,
)
def plan_releases(body: BodyDep, request: Request, session: SessionDep, config: ConfigDep) -> Response:
    """Replace due dates, all of them or none; publication dates stay as they are.

    An error names row, column and reason; the header of a CSV is row 1.
    """
    frame = check_releases(uploaded_table(request, body, name="releases", limit=config.max_upload_bytes))
    planned = releases.plan(session, frame)
    session.commit()
    return json_response({"planned": planned}, status=201, headers=NO_STORE)


@router.get(
    "/v1/calendar.ics",
    dependencies=[Reader],
    response_class=Response,
    responses={200: {"content": {ICALENDAR: {"schema": {"type": "string"}}}}},
)
def read_calendar(query: Annotated[CalendarQuery, Query()], session: SessionDep, config: ConfigDep) -> Response:
    """Releases of the past year and those ahead as an iCalendar feed to subscribe to."""
    if query.dataset is not None:
        catalog.dataset(session, query.dataset)
    datasets = [dataset for dataset in catalog.datasets(session) if query.dataset in (None, dataset.id)]
    now = config.now()
    since = (now - FEED_PAST).date()
    planned = {dataset: releases.releases(session, dataset.id, since=since) for dataset in datasets}
    feed = calendar_feed(planned, now=now, grace=config.grace)
    return Response(feed, headers=NO_CACHE, media_type=f"{ICALENDAR}; charset=utf-8")


def _release_answer(record: ReleaseRecord, now: datetime, grace: timedelta) -> ReleaseAnswer:
    return {
        "period": format_month(record.period),
        "status": record.status(now, grace),
        "due_on": record.due_on,
        "due_at": record.due_at,
        "published_at": record.published_at,
        "missing": record.missing,
        "polls": record.polls,
        "polled_at": record.polled_at,
    }
