"""ETag and Cache-Control headers: run URLs are immutable, "latest" is revalidated.

`run_headers` also records in the request which run the answer comes from, so that `AnswerCache` may keep it.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from threading import Lock
from typing import NamedTuple

from cachetools import TTLCache
from fastapi import FastAPI, Request, Response

from api.config import ServerConfig
from services.parameters import RunSelection
from store.queries.runs import RunRecord

YEAR_SECONDS = 31_536_000
ANSWERED_BY = "tradewind.answered_by"
LATEST_KEPT = 1000


class LatestKey(NamedTuple):
    """The question "which run is the latest?": of a dataset, as of a day."""

    dataset: str
    as_of: date | None


class AnsweredBy(NamedTuple):
    """The run of an answer, its ETag, and the question that selected the run; None where the request names it."""

    run_id: int
    etag: str
    latest: LatestKey | None


class LatestRuns:
    """The latest runs as selected within the last moment."""

    def __init__(self, seconds: float) -> None:
        self._lock = Lock()
        self._runs: TTLCache[LatestKey, int] = TTLCache(maxsize=LATEST_KEPT, ttl=seconds)

    def remember(self, key: LatestKey, run_id: int) -> None:
        """Note which run was just selected."""
        with self._lock:
            self._runs[key] = run_id

    def is_latest(self, key: LatestKey, run_id: int) -> bool:
        """Whether this run was selected within the last moment."""
        with self._lock:
            return self._runs.get(key) == run_id


class NotModified(Exception):
    """The client has this answer already."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__(headers["ETag"])


def install(app: FastAPI, config: ServerConfig) -> None:
    """Answer 304 where NotModified is raised, and remember the latest runs for a moment."""
    app.add_exception_handler(NotModified, _not_modified)
    app.state.latest_runs = LatestRuns(config.latest_run_seconds)


def run_headers(
    request: Request, config: ServerConfig, run: RunRecord, selection: RunSelection | None = None
) -> dict[str, str]:
    """Headers of an answer from a published run; `selection` where the address does not name it. Raises NotModified."""
    scope = "private" if config.require_key_to_read else "public"
    control = f"{scope}, max-age={YEAR_SECONDS}, immutable" if selection is None else f"{scope}, no-cache"
    headers = {"ETag": _tag(request, config, run), "Cache-Control": control, "Vary": "Accept"}
    latest = None
    if selection is not None and selection.run is None:
        latest = LatestKey(run.dataset_id, selection.as_of)
        request.app.state.latest_runs.remember(latest, run.id)
    request.scope[ANSWERED_BY] = AnsweredBy(run.id, headers["ETag"], latest)
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        raise NotModified(headers)
    return headers


def dataset_headers(
    request: Request, config: ServerConfig, observations: int, latest_vintage: date | None
) -> dict[str, str]:
    """Headers of an answer from a dataset's observations, which only grow in number. Raises NotModified."""
    scope = "private" if config.require_key_to_read else "public"
    etag = f'W/"{observations}-{latest_vintage}-{_digest(request, config)}"'
    headers = {"ETag": etag, "Cache-Control": f"{scope}, no-cache", "Vary": "Accept"}
    if matches(request.headers.get("if-none-match"), etag):
        raise NotModified(headers)
    return headers


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match header lists the ETag."""
    return if_none_match is not None and bool({etag, "*"} & {tag.strip() for tag in if_none_match.split(",")})


async def _not_modified(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotModified)
    return Response(status_code=304, headers=error.headers)


def _tag(request: Request, config: ServerConfig, run: RunRecord) -> str:
    """A weak ETag of the run and the question; weak, because compression changes the bytes."""
    return f'W/"{run.id}-{_digest(request, config)}"'


def _digest(request: Request, config: ServerConfig) -> str:
    """A digest of path, query, format and code version."""
    scope = request.scope
    parts = (scope["path"], scope["query_string"], request.headers.get("accept", ""), config.version)
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
