"""Requests that never end, statements that never end, and addresses that a proxy reports."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from sqlalchemy.exc import DBAPIError, OperationalError

from api import dependencies, header_timeout
from api.app import create_app
from api.header_timeout import HeaderTimeout
from api.rest.endpoints import draws
from cli.commands import serve as commands
from store.database import make_engine
from tests.integration.api.conftest import World, options
from tests.support.web_service import served


def test_a_body_that_is_half_sent_is_refused_in_time_and_blocks_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "BODY_SECONDS", 0.3)
    request = (
        "POST /v1/datasets/CN_TRADE/observations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
        f"Authorization: {world.headers('write')['Authorization']}\r\nContent-Length: 1000\r\n\r\nmonth,flow"
    )
    with served(create_app(engine=world.engine, options=options(threads=2))) as address:
        url = httpx.URL(address)
        with contextlib.ExitStack() as stack:
            halves = [stack.enter_context(socket.create_connection((url.host, url.port or 0))) for _ in range(8)]
            for half in halves:
                half.settimeout(10)
                half.sendall(request.encode())
            assert httpx.get(f"{address}/v1/datasets").status_code == 200
            answers = [half.recv(4096).decode() for half in halves]
    assert {answer.splitlines()[0] for answer in answers} == {"HTTP/1.1 408 Request Timeout"}


def test_headers_that_are_half_sent_are_cut_off_in_time_and_block_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_timeout, "HEADER_SECONDS", 0.5)
    whole = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(create_app(engine=world.engine, options=options(threads=2)), http=HeaderTimeout) as address:
        half, second, silent, dripping = (connected(address) for _ in range(4))
        with half, second, silent, dripping:
            dripping.sendall(whole[:20])
            half.sendall(whole[:20])
            second.sendall(whole)
            # Head and body of an answer may arrive apart.
            answer = b""
            while b"true" not in answer:
                answer += second.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
            second.sendall(whole[:20])
            assert httpx.get(f"{address}/v1/datasets").status_code == 200
            assert [read_all(opened)[:12] for opened in (half, second, silent)] == [b"HTTP/1.1 408"] * 2 + [b""]
            # A byte now and then does not extend the time.
            with pytest.raises(ConnectionError):
                drip(dripping)
        with httpx.Client(base_url=address) as client:
            assert [client.get("/live").status_code for _ in range(3)] == [200] * 3


def connected(address: str) -> socket.socket:
    url = httpx.URL(address)
    opened = socket.create_connection((url.host, url.port or 0))
    opened.settimeout(10)
    return opened


def drip(opened: socket.socket) -> None:
    """Send a byte now and then, for five seconds."""
    for _ in range(100):
        time.sleep(0.05)
        opened.sendall(b"x")


def read_all(opened: socket.socket) -> bytes:
    """The bytes that arrive until the other side closes."""
    found = b""
    while part := opened.recv(4096):
        found += part
    return found


def test_an_upload_whose_client_leaves_ends_at_once_and_stores_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    body = "month,flow,partner,sector,value\n2030-01,X,WLD,TOTAL,1\n"
    head = (
        "POST /v1/datasets/CN_TRADE/observations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
        f"Authorization: {world.headers('write')['Authorization']}\r\nContent-Length: {len(body) + 1}\r\n\r\n"
    )
    application = create_app(engine=world.engine, options=options(threads=2))
    ended = threading.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        finally:
            if scope["type"] == "http" and scope["method"] == "POST":
                ended.set()

    with served(watched) as address:  # type: ignore[arg-type]
        before = httpx.get(f"{address}/v1/datasets/CN_TRADE/observations?start=2030-01").json()
        with connected(address) as leaving:
            leaving.sendall((head + body).encode())
            time.sleep(0.2)
            assert not ended.is_set()
        # Long before the limit of BODY_SECONDS.
        assert ended.wait(10)
        assert httpx.get(f"{address}/v1/datasets/CN_TRADE/observations?start=2030-01").json() == before
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_draws_are_no_longer_computed_once_their_client_has_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = [0]

    def endless(_: Any) -> Iterator[bytes]:
        while True:
            computed[0] += 1
            yield bytes(100_000)

    monkeypatch.setattr(draws, "csv_stream", endless)
    with served(create_app(engine=world.engine, options=options(threads=2))) as address:
        run = httpx.get(f"{address}/v1/runs").json()["runs"][0]["id"]
        with httpx.stream("GET", f"{address}/v1/runs/{run}/draws?format=csv") as answer:
            assert next(answer.iter_bytes())
        ended = -1
        for _ in range(100):
            if computed[0] == ended:
                break
            ended = computed[0]
            time.sleep(0.2)
        assert computed[0] == ended


def test_a_statement_that_takes_too_long_is_ended(server_url: str) -> None:
    engine = make_engine(server_url, statement_seconds=0.2)
    started = time.monotonic()
    with pytest.raises(OperationalError, match="statement timeout"), engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert time.monotonic() - started < 10
    engine.dispose()


def test_an_error_of_the_database_shows_no_parameters(server_url: str) -> None:
    engine = make_engine(server_url)
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(sa.text("SELECT :secret FROM nowhere"), {"secret": "tw_s3cret"})
    assert "tw_s3cret" not in str(caught.value)
    engine.dispose()


@pytest.mark.parametrize(("trusted", "scheme"), [("127.0.0.1", "https"), ("10.0.0.1", "http")])
def test_only_a_trusted_proxy_reports_the_scheme_of_a_request(
    server_url: str, monkeypatch: pytest.MonkeyPatch, trusted: str, scheme: str
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setenv("TRADEWIND_DATABASE_URL", server_url)
    monkeypatch.setenv("TRADEWIND_TRUSTED_PROXIES", trusted)
    monkeypatch.setattr(uvicorn, "run", lambda _, **arguments: given.update(arguments))
    monkeypatch.setattr(commands, "signal", SimpleNamespace(SIGINT=2, SIGTERM=15, signal=lambda *_: None))
    commands.serve()
    assert given["timeout_graceful_shutdown"] > 0
    assert given["http"] is HeaderTimeout

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["scheme"].encode()})

    with served(application, lifespan="off", forwarded_allow_ips=given["forwarded_allow_ips"]) as address:  # type: ignore[arg-type]
        assert httpx.get(address, headers={"X-Forwarded-Proto": "https"}).text == scheme
