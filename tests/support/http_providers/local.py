"""A provider on this machine: a real HTTP server with prepared replies that records its requests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sources.client import Client, RequestPolicy


@dataclass(frozen=True)
class ReceivedRequest:
    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    """How many bytes are missing at the end of the announced content."""


def as_json(body: Any, **reply: Any) -> Reply:
    return Reply(json.dumps(body).encode(), **reply)


def html(body: str, **reply: Any) -> Reply:
    return Reply(f"<!DOCTYPE html><html><body><h1>{body}</h1></body></html>".encode(), **reply)


@dataclass
class LocalProvider:
    address: str
    answer: Callable[[ReceivedRequest], Reply]
    requests: list[ReceivedRequest] = field(default_factory=list)

    def afterwards(self, *replies: Reply) -> None:
        """Answer with these first, one each, and then as before."""
        waiting, before = list(replies), self.answer
        self.answer = lambda request: waiting.pop(0) if waiting else before(request)


@contextmanager
def local_provider() -> Iterator[LocalProvider]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            params = {name: values[0] for name, values in parse_qs(url.query).items()}
            request = ReceivedRequest(url.path, params, {name.lower(): value for name, value in self.headers.items()})
            provider.requests.append(request)
            reply = provider.answer(request)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status not in (204, 304):
                self.send_header("Content-Length", str(len(reply.body) + reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.cut:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = LocalProvider(f"http://127.0.0.1:{server.server_port}", lambda _: Reply(status=404))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class FakeTime:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def quick_client(policy: RequestPolicy | None = None, known: Any = None, time: FakeTime | None = None) -> Client:
    """A client that never waits for real."""
    time = time or FakeTime()
    quick = replace(policy or RequestPolicy(), first_wait=min(0.02, policy.first_wait if policy else 0.001))
    return Client(quick, known or {}, sleep=time.sleep, monotonic=time.monotonic)
