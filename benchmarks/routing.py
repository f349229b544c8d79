"""Processor time of a request before any work: FastAPI's parameters, a cached answer, and bare Starlette, in process.

`python -m benchmarks.routing` prints milliseconds. Each route takes the parameters of forecasts and answers one byte.
"""

import asyncio
import time
from datetime import date
from statistics import median
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from api.http_cache import ANSWERED_BY, AnsweredBy, Latest
from api.middleware.answer_cache import AnswerCache
from api.rest.path_parameters import DatasetPath
from services.queries.forecasts import ForecastQuery
from services.runs.freshness import Freshness

PATH, QUERY = "/v1/datasets/CN_CLEANTECH/forecasts", b"flow=X&partner=USA&sector=EV"
RUN = Latest(1, Freshness(date(2026, 1, 1), ()))
ROUNDS, REQUESTS = 20, 100


def measure_routing() -> dict[str, float]:
    """Milliseconds of processor time a request, medians of alternating rounds."""
    apps: dict[str, ASGIApp] = {
        "FastAPI, first answer": _application(),
        "FastAPI, repeated answer": AnswerCache(_application(), max_bytes=1_000_000),
        "Starlette, without checks": Starlette(routes=[Route("/v1/datasets/{dataset}/forecasts", _answer)]),
    }
    taken: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(ROUNDS):
        for name, app in apps.items():
            taken[name].append(asyncio.run(_round(app)))
    return {name: median(rounds) for name, rounds in taken.items()}


def _application() -> FastAPI:
    app = FastAPI()

    @app.get("/v1/datasets/{dataset}/forecasts")
    def read(dataset: DatasetPath, query: Annotated[ForecastQuery, Query()], request: Request) -> Response:
        request.scope[ANSWERED_BY] = AnsweredBy(RUN, 'W/"1"', None)
        return _answer(request)

    return app


def _answer(_: Request) -> Response:
    return Response(b"1")


async def _round(app: ASGIApp) -> float:
    await _request(app)
    began = time.process_time()
    for _ in range(REQUESTS):
        await _request(app)
    return 1000 * (time.process_time() - began) / REQUESTS


async def _request(app: ASGIApp) -> None:
    scope: dict[str, Any] = {
        **{"type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "root_path": "", "state": {}},
        **{"path": PATH, "raw_path": PATH.encode(), "query_string": QUERY, "headers": [(b"host", b"localhost")]},
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
