"""ETag and Cache-Control headers: run URLs are immutable, "latest" is revalidated.

`run_headers` and `latest_headers` also record in the request which run the answer comes from, so that `AnswerCache` may
keep it.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

from cachetools import TTLCache
from fastapi import FastAPI, Request, Response
from sqlmodel import Session

from api.config import ServerConfig
from services.parameters import RunSelection
from services.runs.freshness import Freshness, dataset_freshness
from services.runs.run_selection import select_run
from store.queries.runs import PublishedRunRecord, RunRecord

YEAR_SECONDS = 31_536_000
ANSWERED_BY = "tradewind.answered_by"
LATEST_KEPT = 1000
NO_STORE = MappingProxyType({"Cache-Control": "no-store"})
"""For answers that are never kept: writes, progress, and answers that the next moment may change."""
NO_CACHE = MappingProxyType({"Cache-Control": "no-cache"})
"""For answers that are asked for again each time."""


class LatestKey(NamedTuple):
    """The question "which run is the latest?": of a dataset, as of a day."""

    dataset: str
    as_of: date | None


class Latest(NamedTuple):
    """The answer to that question: a run, and the freshness of its data."""

    run_id: int
    freshness: Freshness


class AnsweredBy(NamedTuple):
    """The run of an answer, its ETag, and the question that selected the run; None where the request names it."""

    run: Latest
    etag: str
    latest: LatestKey | None


class LatestRuns:
    """The latest runs as selected within the last moment, and the freshness of their data."""

    def __init__(self, seconds: float) -> None:
        self._lock = Lock()
        self._runs: TTLCache[LatestKey, tuple[PublishedRunRecord, Latest]] = TTLCache(LATEST_KEPT, seconds)

    def remember(self, key: LatestKey, record: PublishedRunRecord, run: Latest) -> None:
        """Note which run was just selected. The moment of one that is known already does not begin again."""
        with self._lock:
            known = self._runs.get(key)
            if known is None or known[1] != run:
                self._runs[key] = record, run

    def record(self, key: LatestKey) -> PublishedRunRecord | None:
        """The run that was selected within the last moment."""
        with self._lock:
            known = self._runs.get(key)
        return known and known[0]

    def freshness(self, key: LatestKey, run_id: int) -> Freshness | None:
        """The freshness of this run's data, if it was selected within the last moment."""
        with self._lock:
            known = self._runs.get(key)
        return known[1].freshness if known is not None and known[1].run_id == run_id else None

    def is_latest(self, key: LatestKey, run: Latest) -> bool:
        """Whether this run was selected within the last moment, with the same freshness."""
        with self._lock:
            known = self._runs.get(key)
        return known is not None and known[1] == run


class NotModified(Exception):
    """The client has this answer already."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__(headers["ETag"])


def install(app: FastAPI, config: ServerConfig) -> None:
    """Answer 304 where NotModified is raised, and remember the latest runs for a moment."""
    app.add_exception_handler(NotModified, _not_modified)
    app.state.latest_runs = LatestRuns(config.latest_run_seconds)


def selected_run(request: Request, session: Session, dataset: str, query: RunSelection) -> PublishedRunRecord:
    """The run that a query selects; the latest may be that of the last moment. Raises as `select_run` does."""
    known: PublishedRunRecord | None = None
    if query.run is None:
        known = request.app.state.latest_runs.record(LatestKey(dataset, query.as_of))
    return known or select_run(session, dataset, query)


def run_headers(request: Request, config: ServerConfig, run: RunRecord) -> dict[str, str]:
    """Headers of an answer whose address names a published run: it never changes. Raises NotModified."""
    scope = "private" if config.require_key_to_read else "public"
    control = f"{scope}, max-age={YEAR_SECONDS}, immutable"
    answered = Latest(run.id, Freshness(run.cutoff or run.as_of, None))
    return _answered_by(request, config, answered, control, latest=None)


def latest_headers(
    request: Request, session: Session, config: ServerConfig, run: PublishedRunRecord, selection: RunSelection
) -> tuple[dict[str, str], Freshness]:
    """Headers of an answer from a selected run, and the freshness of its data. Raises NotModified.

    Releases are overdue in answers from the latest run only: any other run is not expected to know them.
    """
    scope = "private" if config.require_key_to_read else "public"
    latest = LatestKey(run.dataset_id, selection.as_of) if selection.run is None else None
    freshness = _freshness(request, session, config, run, latest)
    answered = Latest(run.id, freshness)
    if latest is not None:
        request.app.state.latest_runs.remember(latest, run, answered)
    return _answered_by(request, config, answered, f"{scope}, no-cache", latest=latest), freshness


def _freshness(
    request: Request, session: Session, config: ServerConfig, run: PublishedRunRecord, latest: LatestKey | None
) -> Freshness:
    if latest is None or latest.as_of is not None:
        return Freshness(run.cutoff, None)
    known: Freshness | None = request.app.state.latest_runs.freshness(latest, run.id)
    if known is not None:
        return known
    return dataset_freshness(session, run.dataset_id, run.cutoff, now=config.now(), grace=config.grace)


def _answered_by(
    request: Request, config: ServerConfig, run: Latest, control: str, *, latest: LatestKey | None
) -> dict[str, str]:
    # A weak ETag of the run and the question, because compression changes the bytes.
    etag = f'W/"{run.run_id}-{_digest(request, config, *(run.freshness.overdue or ()))}"'
    headers = {"ETag": etag, "Cache-Control": control, "Vary": "Accept"}
    request.scope[ANSWERED_BY] = AnsweredBy(run, etag, latest)
    if matches(request.headers.get("if-none-match"), etag):
        raise NotModified(headers)
    return headers


def dataset_headers(
    request: Request, config: ServerConfig, observations: int, latest_vintage: date | None, run_id: int | None = None
) -> dict[str, str]:
    """Headers of an answer from a dataset's observations, which only grow in number, and from a run, if any.

    Raises NotModified.
    """
    return _revalidated(request, config, f"{observations}-{latest_vintage}-{run_id or 0}")


def edition_headers(request: Request, config: ServerConfig, run: RunRecord, edition: str) -> dict[str, str]:
    """Headers of an answer from a run and from data that may change, of an `edition`.

    Raises NotModified.
    """
    return _revalidated(request, config, f"{run.id}-{edition}")


def _revalidated(request: Request, config: ServerConfig, content: str) -> dict[str, str]:
    """Headers of an answer that is asked for again each time; its ETag is of its `content` and the question."""
    scope = "private" if config.require_key_to_read else "public"
    etag = f'W/"{content}-{_digest(request, config)}"'
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


def _digest(request: Request, config: ServerConfig, *more: date) -> str:
    """A digest of path, query, format, code version and further facts."""
    scope = request.scope
    parts = (scope["path"], scope["query_string"], request.headers.get("accept", ""), config.version, *more)
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
