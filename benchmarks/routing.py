"""What a request costs before anything is done for it: FastAPI's handler, ours, and Starlette's, in one process.

`python -m benchmarks.routing` prints milliseconds of processor. Each route takes what forecasts take, and answers one
byte.
"""

import asyncio
import time
from collections.abc import Callable
from statistics import median
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from api.rest.direct import DirectRoute, add_routes
from api.rest.path_parameters import DatasetPath
from services.queries import ForecastQuery

PATH, QUESTION = "/v1/datasets/CN_CLEANTECH/forecasts", b"flow=X&partner=USA&sector=EV"
ROUNDS, REQUESTS = 20, 100


def measure_routing() -> dict[str, float]:
    """Milliseconds of processor a request, medians of rounds taken in turn."""
    apps: dict[str, ASGIApp] = {
        "FastAPI's handler": _application(APIRoute, FastAPI.include_router),
        "ours (`api/rest/direct.py`)": _application(DirectRoute, add_routes),
        "Starlette, which checks nothing": Starlette(routes=[Route("/v1/datasets/{dataset}/forecasts", _answer)]),
    }
    taken: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(ROUNDS):
        for name, app in apps.items():
            taken[name].append(asyncio.run(_round(app)))
    return {name: median(rounds) for name, rounds in taken.items()}


def _application(route: type[APIRoute], include: Callable[[FastAPI, APIRouter], None]) -> FastAPI:
    app, router = FastAPI(), APIRouter(route_class=route)

    @router.get("/v1/datasets/{dataset}/forecasts")
    def read(dataset: DatasetPath, query: Annotated[ForecastQuery, Query()], request: Request) -> Response:
        return _answer(request)

    include(app, router)
    return app


def _answer(_: Request) -> Response:
    return Response(b"1")


async def _round(app: ASGIApp) -> float:
    await _ask(app)
    began = time.process_time()
    for _ in range(REQUESTS):
        await _ask(app)
    return 1000 * (time.process_time() - began) / REQUESTS


async def _ask(app: ASGIApp) -> None:
    scope: dict[str, Any] = {
        **{"type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "root_path": "", "state": {}},
        **{"path": PATH, "raw_path": PATH.encode(), "query_string": QUESTION, "headers": [(b"host", b"localhost")]},
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200

    await app(scope, receive, send)


def main() -> None:
    """Measure and print."""
    for name, milliseconds in measure_routing().items():
        print(f"{milliseconds:.3f} ms  {name}")


if __name__ == "__main__":
    main()
