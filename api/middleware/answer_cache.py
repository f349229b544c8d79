"""Cache of serialised answers from published runs, which never change.

An answer is stored by path, normalised query, Accept and Accept-Encoding headers. It is served without a query to the
database where the request names the run, and where that run was the latest within the last moment
(`ServerConfig.latest_run_seconds`). Larger answers, such as streams of a whole dataset, are not kept.
"""

from operator import itemgetter
from threading import Lock
from typing import NamedTuple
from urllib.parse import parse_qsl

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http_cache import ANSWERED_BY, AnsweredBy, LatestRuns, matches

LARGEST_BYTES = 1_000_000
OVERHEAD_BYTES = 2_000
NOT_MODIFIED_HEADERS = {"etag", "cache-control", "vary"}


class Key(NamedTuple):
    """The parts of a request that an answer depends on besides the run."""

    path: str
    query: tuple[tuple[str, str], ...]
    accept: str
    gzip: bool
    host: str


class Answer(NamedTuple):
    """A complete answer."""

    answered_by: AnsweredBy
    route: object
    headers: list[tuple[bytes, bytes]]
    body: bytes


class AnswerCache:
    """ASGI middleware that stores and repeats answers; `max_bytes` bounds their bodies together."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._lock = Lock()
        self._answers: LRUCache[Key, Answer] = LRUCache(max_bytes, getsizeof=_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Repeat a stored answer, or pass the request on and store its answer."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = _key(scope, headers)
        with self._lock:
            known = self._answers.get(key)
        if known is not None and self._is_current(scope, known.answered_by):
            scope["route"] = known.route
            await _repeat(known, headers.get("if-none-match"), send)
            return
        recorder = _Recorder(send)
        await self.app(scope, receive, recorder)
        answered_by = scope.get(ANSWERED_BY)
        if answered_by is None or not recorder.complete:
            return
        answer = Answer(answered_by, scope.get("route"), recorder.headers, b"".join(recorder.parts))
        with self._lock:
            if _size(answer) <= self._answers.maxsize:
                self._answers[key] = answer

    def _is_current(self, scope: Scope, answered_by: AnsweredBy) -> bool:
        """Whether the request still selects the run of the answer, with the same overdue releases."""
        if answered_by.latest is None:
            return True
        latest_runs: LatestRuns = scope["app"].state.latest_runs
        return latest_runs.is_latest(answered_by.latest, answered_by.run)


class _Recorder:
    """Passes an answer on and keeps a copy, unless it is large or not a 200."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.size = 0
        self.status = 0
        self.complete = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body" and self.status == 200 and self.size <= LARGEST_BYTES:
            body = message.get("body", b"")
            self.size += len(body)
            self.parts = [*self.parts, body] if self.size <= LARGEST_BYTES else []
            self.complete = self.size <= LARGEST_BYTES and not message.get("more_body", False)
        await self.send(message)


async def _repeat(answer: Answer, if_none_match: str | None, send: Send) -> None:
    status, headers, body = 200, answer.headers, answer.body
    if matches(if_none_match, answer.answered_by.etag):
        kept = [(name, value) for name, value in headers if name.decode("latin-1").lower() in NOT_MODIFIED_HEADERS]
        status, headers, body = 304, kept, b""
    elif not any(name == b"content-length" for name, _ in headers):
        headers = list(headers)
        MutableHeaders(raw=headers)["content-length"] = str(len(body))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _key(scope: Scope, headers: Headers) -> Key:
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Key(
        path=scope["path"],
        # The order of parameters does not matter; of a repeated one the last may count.
        query=tuple(sorted(pairs, key=itemgetter(0))),
        accept=headers.get("accept", ""),
        gzip="gzip" in headers.get("accept-encoding", ""),
        # Answers have links with the host in them.
        host=headers.get("host", ""),
    )


def _size(answer: Answer) -> int:
    return len(answer.body) + OVERHEAD_BYTES
