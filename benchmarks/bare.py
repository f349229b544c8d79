"""The peer of the API: Starlette, psycopg and orjson with nothing else, the same SQL, the same database.

`python -m benchmarks.bare URL PORT`. It checks nothing it is asked, knows no formats, keys, groups, metrics or errors.
"""

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import orjson
import psycopg
import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from store.queries import forecasts, runs

THREADS = 20
Bounds = list[tuple[int, list[float], list[float]]]
LEVELS = ((80, 0.1, 0.9), (95, 0.025, 0.975))


def main() -> None:
    """Serve until killed."""
    url, port = sys.argv[1:]
    uvicorn.run(application(url), host="127.0.0.1", port=int(port), log_config=None, access_log=False)


def application(url: str) -> Starlette:
    """One route: the forecasts of one series of a dataset's latest run."""
    connections = threading.local()
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT id, dataset_id, flow, partner, sector FROM series").fetchall()
    numbers = {tuple(row[1:]): row[0] for row in found}

    def read(request: Request) -> Response:
        if not hasattr(connections, "own"):
            connections.own = psycopg.connect(url, autocommit=True)
        own = connections.own.cursor(binary=True)
        dataset = request.path_params["dataset"]
        key = tuple(request.query_params[name] for name in ("flow", "partner", "sector"))
        own.execute(runs._LATEST, {"dataset": dataset, "day": date.max})
        about = dict(zip(runs.RunRecord._fields, own.fetchone(), strict=True))
        parameters = {"run": about["id"], "series": [numbers[(dataset, *key)]], "horizon": 24}
        ((_, means, medians, stored, values),) = own.execute(forecasts._MONTHS, parameters)
        bounds = [(level, values[stored.index(lo)], values[stored.index(hi)]) for level, lo, hi in LEVELS]
        rows = [
            _row(step, mean, median, bounds) for step, (mean, median) in enumerate(zip(means, medians, strict=True))
        ]
        return Response(orjson.dumps({"run": about, "months": rows}), media_type="application/json")

    return Starlette(routes=[Route("/v1/datasets/{dataset}/forecasts", read)], lifespan=_enough_threads)


@asynccontextmanager
async def _enough_threads(_: Starlette) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def _row(step: int, mean: float, median: float, bounds: Bounds) -> dict[str, Any]:
    intervals = [{"level": level, "lo": lo[step], "hi": hi[step]} for level, lo, hi in bounds]
    return {"step": step + 1, "mean": mean, "median": median, "intervals": intervals}


if __name__ == "__main__":
    main()
