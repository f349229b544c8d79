"""Requests that never end, statements that never end, and addresses that a proxy reports."""

import contextlib
import socket
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from sqlalchemy.exc import DBAPIError, OperationalError

from api import dependencies
from api.app import create_app
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

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["scheme"].encode()})

    with served(application, lifespan="off", forwarded_allow_ips=given["forwarded_allow_ips"]) as address:  # type: ignore[arg-type]
        assert httpx.get(address, headers={"X-Forwarded-Proto": "https"}).text == scheme
