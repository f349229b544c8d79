"""Notifications: runs, arrived figures, surprises and late releases, as a list and as an Atom feed."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import ConfigDep, SessionDep
from api.http_cache import NO_CACHE
from api.rest.atom import atom_feed
from api.rest.responses import list_response, page_limit
from api.rest.schemas.common import columns
from api.rest.schemas.notifications import NotificationAnswer, NotificationPage
from api.rest.schemas.problem import PROBLEM
from services.alerts.notifications import delivery_state, describe
from services.queries.notifications import FeedQuery, NotificationQuery
from store.queries import notifications
from store.queries.notifications import NotificationRecord

router = APIRouter(tags=["notifications"], dependencies=[Reader], responses=PROBLEM)
ATOM = "application/atom+xml"
FEED_ENTRIES = 100


@router.get("/v1/notifications", responses={200: {"model": NotificationPage}})
def read_notifications(query: Annotated[NotificationQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Notifications, newest first, with the state of their delivery to the webhook."""
    limit = page_limit(request, query)
    found = notifications.page(session, dataset_id=query.dataset, type_=query.type, limit=limit, offset=query.offset)
    return list_response(
        request,
        query,
        total=found.total,
        key="notifications",
        items=map(_answer, found.rows),
        columns=columns(NotificationAnswer, without=("data",)),
        headers=NO_CACHE,
    )


@router.get(
    "/v1/notifications.atom",
    response_class=Response,
    responses={200: {"content": {ATOM: {"schema": {"type": "string"}}}}},
)
def read_notification_feed(
    query: Annotated[FeedQuery, Query()], request: Request, session: SessionDep, config: ConfigDep
) -> Response:
    """The latest hundred notifications as an Atom feed to subscribe to."""
    found = notifications.page(session, dataset_id=query.dataset, type_=query.type, limit=FEED_ENTRIES)
    feed = atom_feed(found.rows, base_url=str(request.base_url), address=str(request.url), now=config.now())
    return Response(feed, headers=NO_CACHE, media_type=f"{ATOM}; charset=utf-8")


def _answer(record: NotificationRecord) -> NotificationAnswer:
    return {
        "id": record.id,
        "type": record.type,
        "dataset": record.dataset_id,
        "occurred_at": record.occurred_at,
        "text": describe(record),
        "data": record.data,
        "delivery": delivery_state(record),
        "delivered_at": record.delivered_at,
        "attempts": record.attempts,
        "next_attempt_at": record.next_attempt_at,
        "failure": record.failure,
    }
