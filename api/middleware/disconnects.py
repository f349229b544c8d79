"""Requests whose client leaves before the answer: their computation is cancelled."""

import asyncio
from threading import Event

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cancellation import Cancelled, cancel_on

log = structlog.get_logger(__name__)
WATCH_AFTER_SECONDS = 0.5
"""Most answers are faster, and are not watched."""
CLIENT_CLOSED_REQUEST = 499


class CancelWhenLeft:
    """ASGI middleware that cancels the computation of an answer, streamed or not, once its client has left."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and watch its client meanwhile."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client, started = _Client(receive, has_body=_has_body(scope)), False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        cancel_on(client.left)
        client.watch_later()
        try:
            await self.app(scope, client.receive, note_start)
        except Exception as error:
            if not _comes_of_cancellation(error):
                raise
            log.info("request.cancelled", path=scope["path"])
            if not started:
                # Nobody reads it; it is counted.
                await send({"type": "http.response.start", "status": CLIENT_CLOSED_REQUEST, "headers": []})
                await send({"type": "http.response.body"})
        finally:
            client.stop()


class _Client:
    """The messages of a request. While the application reads none, they are read here, to learn of a disconnect."""

    def __init__(self, receive: Receive, *, has_body: bool) -> None:
        self.left = Event()
        self._receive, self._body_left = receive, has_body
        self._reading, self._kept = False, list[Message]()
        self._ended = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """The next message, for the application."""
        if self._kept:
            return self._kept.pop()
        if self._watch is not None:
            await self._ended.wait()
            return {"type": "http.disconnect"}
        self._reading = True
        try:
            return self._noted(await self._receive())
        finally:
            self._reading = False

    def watch_later(self) -> None:
        """Watch the client in a moment; again later while the application reads, and sees itself if it leaves."""
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start_watch)

    def stop(self) -> None:
        """End the watch."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def _start_watch(self) -> None:
        # A body is not read before the application wants it: it would have to be kept.
        if self._reading or self._body_left:
            self.watch_later()
        else:
            self._watch = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while not self.left.is_set():
            message = self._noted(await self._receive())
            # That of a request without a body; nobody reads a body that should not be there.
            if message["type"] == "http.request" and not message.get("body"):
                self._kept[:] = [message]
        self._ended.set()

    def _noted(self, message: Message) -> Message:
        if message["type"] == "http.disconnect":
            self.left.set()
        else:
            self._body_left = bool(message.get("more_body"))
        return message


def _has_body(scope: Scope) -> bool:
    """Whether the headers announce a body."""
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _comes_of_cancellation(error: BaseException | None) -> bool:
    """Whether an exception is Cancelled, or was raised because of it."""
    while error is not None and not isinstance(error, Cancelled):
        error = error.__cause__ or error.__context__
    return error is not None
