"""Paths of earlier releases: a 404 that names the present path."""

from fastapi import APIRouter, Request, Response

from api.authentication import Reader
from api.exception_handlers import MovedPath

router = APIRouter(include_in_schema=False, dependencies=[Reader])


@router.api_route("/v1/datasets/{dataset}/outside", methods=["GET", "POST"])
@router.get("/v1/datasets/{dataset}/outside/models")
def external_forecasts_moved(request: Request) -> Response:
    """External forecasts were at `/outside`. Raises MovedPath."""
    raise MovedPath(request.url.path, request.url.path.replace("/outside", "/external-forecasts"))


@router.get("/v1/runs/{run_id}/lines")
def forecast_history_moved(request: Request) -> Response:
    """The forecast history was at `/lines`. Raises MovedPath."""
    raise MovedPath(request.url.path, request.url.path.replace("/lines", "/forecast-history"))
