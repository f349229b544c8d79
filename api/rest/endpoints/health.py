"""Liveness, readiness and metrics of the service."""

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.dependencies import EngineDep, NoParameters
from api.exception_handlers import RETRY_SECONDS
from api.health import missing
from api.http_cache import NO_STORE
from api.rest.responses import json_response
from api.rest.schemas.problem import PROBLEM, LiveAnswer, ReadyAnswer

router = APIRouter(tags=["service"], dependencies=[NoParameters], responses=PROBLEM)
READY: dict[int | str, dict[str, Any]] = {
    200: {"model": ReadyAnswer},
    503: {"model": ReadyAnswer, "description": "Not ready: `missing` says why."},
}


@router.get("/live", responses={200: {"model": LiveAnswer}})
async def read_live() -> Response:
    """Whether the process answers; neither the database nor a thread of the pool is needed."""
    return json_response({"live": True}, headers=NO_STORE)


@router.get("/ready", responses=READY)
def read_ready(engine: EngineDep) -> Response:
    """Whether the database answers, is migrated, and has a published run of every dataset."""
    reasons = missing(engine)
    if not reasons:
        return json_response({"ready": True, "missing": []}, headers=NO_STORE)
    headers = NO_STORE | {"Retry-After": str(RETRY_SECONDS)}
    return json_response({"ready": False, "missing": reasons}, status=503, headers=headers)


@router.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
)
def read_metrics(request: Request) -> Response:
    """Metrics in the Prometheus text format."""
    content = generate_latest(request.app.state.registry)
    return Response(content, headers=NO_STORE, media_type=CONTENT_TYPE_LATEST)
