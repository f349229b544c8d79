"""A client that leaves before its answer: the computation ends."""

import json
import threading
import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import Engine

from api.app import create_app
from api.dependencies import SessionDep
from api.middleware import disconnects
from forecasting.analysis import conditioning
from tests.integration.api.conftest import World, options
from tests.integration.api.test_contributions import engine  # noqa: F401
from tests.integration.api.test_slow_clients import connected
from tests.support.web_service import served

SCENARIO = {
    "name": "endless",
    "conditions": [{"series": "X.USA", "period": "2026", "units": "pc1", "value": -20}],
}


def request(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def left_after_it_began(application: FastAPI, sent: bytes, began: threading.Event) -> str:
    """Send a request, leave once its computation began, and wait until it ended; the metrics."""
    ended = threading.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        finally:
            if scope["type"] == "http":
                ended.set()

    with served(watched) as address:  # type: ignore[arg-type]
        with connected(address) as leaving:
            leaving.sendall(sent)
            assert began.wait(10)
            assert not ended.wait(1)
        assert ended.wait(10)
        return httpx.get(f"{address}/metrics").text


def test_a_scenario_is_no_longer_computed_once_its_client_has_left(
    engine: Engine,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    began, newton_step = threading.Event(), conditioning._newton_step

    def noted(*arguments: Any) -> Any:
        began.set()
        return newton_step(*arguments)

    monkeypatch.setattr(conditioning, "_newton_step", noted)
    # No draw ever meets its target.
    monkeypatch.setattr(conditioning, "ITERATIONS", 1_000_000_000)
    monkeypatch.setattr(conditioning, "TOLERANCE", -1.0)
    sent = request("POST", "/v1/datasets/PARTNERS/scenarios", json.dumps(SCENARIO).encode())
    metrics = left_after_it_began(create_app(engine=engine, options=options(threads=2)), sent, began)
    assert 'route="/v1/datasets/{dataset}/scenarios",status="499"} 1.0' in metrics
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_statements_end_once_the_client_has_left(world: World, method: str) -> None:
    application, began = create_app(engine=world.engine, options=options(threads=2)), threading.Event()

    @application.api_route("/endless", methods=[method])
    def endless(session: SessionDep) -> None:
        while True:
            session.execute(sa.text("SELECT 1"))
            began.set()
            time.sleep(0.01)

    metrics = left_after_it_began(application, request(method, "/endless"), began)
    assert 'route="/endless",status="499"} 1.0' in metrics


def test_a_client_that_waits_gets_its_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnects, "WATCH_AFTER_SECONDS", 0.0)
    application = create_app(engine=world.engine, options=options(threads=2))

    @application.post("/slow")
    async def slow(given: dict[str, int]) -> dict[str, int]:
        time.sleep(0.2)
        return given

    with served(application) as address, httpx.Client(base_url=address) as client:
        for _ in range(2):
            assert client.get("/v1/datasets").status_code == 200
            assert client.post("/slow", json={"a": 1}).json() == {"a": 1}
        with client.stream("GET", "/v1/datasets/CN_TRADE/observations?format=csv") as answer:
            assert len(answer.read()) > 1000
