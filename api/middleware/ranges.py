"""HEAD on every GET path, and Range requests (RFC 9110, section 14) on tables.

Clients that read remote tables in parts (polars, duckdb, Excel) first ask for the length with HEAD, then for ranges of
bytes. A table in answer to either is computed once and kept for a moment, so that all ranges are of the same bytes.
"""

import re
from threading import Lock
from typing import NamedTuple

from cachetools import TTLCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TABLES = ("text/csv", "application/vnd.apache.parquet", "application/vnd.openxmlformats-officedocument")
KEPT_BYTES, KEPT_SECONDS = 64_000_000, 30.0
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Answer(NamedTuple):
    """A complete answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class RangeRequests:
    """ASGI middleware for HEAD and Range."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._lock = Lock()
        self._answers: TTLCache[tuple[str, ...], Answer] = TTLCache(KEPT_BYTES, KEPT_SECONDS, getsizeof=_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HEAD and Range from a complete answer to GET; pass everything else on."""
        wanted = Headers(scope=scope).get("range") if scope["type"] == "http" else None
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
        elif scope["method"] == "HEAD":
            answer = await self._complete(scope, receive)
            await _send(answer._replace(body=b""), send, length=len(answer.body))
        elif wanted is not None and RANGE.fullmatch(wanted):
            await _send(_part(await self._complete(scope, receive), wanted), send)
        else:
            await self.app(scope, receive, send)

    async def _complete(self, scope: Scope, receive: Receive) -> Answer:
        """The whole answer to GET, not compressed: ranges are of the bytes of the table."""
        headers = Headers(scope=scope)
        names = ("accept", "authorization", "cookie", "x-api-key")
        values = (headers.get(name, "") for name in names)
        key = (scope["path"], scope["query_string"].decode("latin-1"), *values)
        with self._lock:
            known = self._answers.get(key)
        if known is not None:
            return known
        dropped = {b"accept-encoding", b"range", b"if-range"}
        inner = {**scope, "method": "GET", "headers": [pair for pair in scope["headers"] if pair[0] not in dropped]}
        status, sent, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

        async def collect(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status, sent = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self.app(inner, receive, collect)
        if "route" in inner:
            scope["route"] = inner["route"]
        answer = Answer(status, sent, b"".join(parts))
        if _is_table(answer) and _size(answer) <= KEPT_BYTES:
            with self._lock:
                self._answers[key] = answer
        return answer


def _is_table(answer: Answer) -> bool:
    media = Headers(raw=answer.headers).get("content-type", "")
    return answer.status == 200 and media.startswith(TABLES)


def _part(answer: Answer, wanted: str) -> Answer:
    """The wanted range: 206 with it, 416 where it lies beyond the end; the whole answer where it is no table."""
    found = RANGE.fullmatch(wanted)
    if not _is_table(answer) or found is None or not (found[1] or found[2]):
        return answer
    length = len(answer.body)
    first = int(found[1]) if found[1] else max(length - int(found[2]), 0)
    last = min(int(found[2]), length - 1) if found[1] and found[2] else length - 1
    headers = MutableHeaders(raw=list(answer.headers))
    if first >= length or last < first:
        headers["content-range"] = f"bytes */{length}"
        return Answer(416, headers.raw, b"")
    headers["content-range"] = f"bytes {first}-{last}/{length}"
    return Answer(206, headers.raw, answer.body[first : last + 1])


async def _send(answer: Answer, send: Send, *, length: int | None = None) -> None:
    headers = MutableHeaders(raw=list(answer.headers))
    if answer.status not in {204, 304}:
        headers["content-length"] = str(len(answer.body) if length is None else length)
    if headers.get("content-type", "").startswith(TABLES):
        headers["accept-ranges"] = "bytes"
    await send({"type": "http.response.start", "status": answer.status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": answer.body})


def _size(answer: Answer) -> int:
    return len(answer.body) + 1000
