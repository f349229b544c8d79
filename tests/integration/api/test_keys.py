from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import Session

from store.queries import api_keys
from tests.integration.api.conftest import TODAY, World, client_of, scalar
from tests.support.factories import NOW

RUN = {"dataset": "CN_TRADE"}
READS = [
    "/v1/datasets",
    "/v1/datasets/CN_TRADE",
    "/v1/datasets/CN_TRADE/series",
    "/v1/datasets/CN_TRADE/observations",
    "/v1/datasets/CN_TRADE/forecasts",
    "/v1/datasets/CN_TRADE/backtests",
    "/v1/datasets/CN_TRADE/backtests/folds?flow=X",
    "/v1/partners",
    "/v1/sectors",
    "/v1/sources",
    "/v1/schedule",
    "/v1/runs",
    "/v1/runs/1",
    "/v1/runs/1/forecasts",
]


def post(world: World, **headers: str) -> Any:
    return client_of(world).post("/v1/runs", json=RUN, headers=headers)


def test_writing_needs_a_key(scratch: World) -> None:
    response = post(scratch)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-type"] == "application/problem+json"
    assert scalar(scratch, "SELECT count(*) FROM run") == 4


def test_a_key_comes_as_bearer_or_in_its_own_header(scratch: World) -> None:
    key = scratch.keys["publish"]
    assert post(scratch, Authorization=f"Bearer {key}").status_code == 202
    assert post(scratch, Authorization=f"bearer  {key}").status_code == 202
    assert post(scratch, **{"X-API-Key": key}).status_code == 202
    assert post(scratch, Authorization=f"Basic {b64encode(f'anybody:{key}'.encode()).decode()}").status_code == 202
    assert post(scratch, **{"X-API-Key": scratch.keys["admin"]}).status_code == 202


@pytest.mark.parametrize("value", ["Bearer tw_wrong", "Bearer ", "Bearer", "Basic dXNlcjpwYXNz", "tw_", "Bearer \x7f"])
def test_a_wrong_key_is_unauthorised(scratch: World, value: str) -> None:
    assert post(scratch, Authorization=value).status_code == 401


@pytest.mark.parametrize("scope", ["read", "write", "judge"])
def test_a_key_without_the_scope_publishes_no_run_for_others(scratch: World, scope: str) -> None:
    response = post(scratch, **scratch.headers(scope))
    assert response.status_code == 403
    assert (response.json()["scope"], response.json()["scopes"]) == ("publish", [scope])
    assert response.json()["detail"] == f"the key lacks the scope publish; it has {scope}"
    cancelled = client_of(scratch).post(f"/v1/runs/{scratch.queued}/cancel", headers=scratch.headers(scope))
    assert cancelled.status_code == 403
    assert scalar(scratch, "SELECT count(*) FROM run WHERE status = 'queued'") == 1


def test_an_expired_key_is_unauthorised(scratch: World) -> None:
    with Session(scratch.engine) as session:
        key = api_keys.create(session, name="old", scopes=["publish"], now=NOW, expires=TODAY - timedelta(seconds=1))
        session.commit()
    response = post(scratch, Authorization=f"Bearer {key}")
    assert response.status_code == 401
    assert "expired" in response.json()["detail"]


def test_the_key_is_asked_for_before_the_body_is_read(scratch: World) -> None:
    headers = {"Content-Type": "text/csv", "Authorization": "Bearer tw_wrong"}
    url = "/v1/datasets/CN_TRADE/observations"
    response = client_of(scratch, max_upload_bytes=1).post(url, content=b"x" * 1000, headers=headers)
    assert response.status_code == 401


def test_use_is_noted(scratch: World) -> None:
    post(scratch, **scratch.headers("publish"))
    assert scalar(scratch, "SELECT last_used_at FROM api_key WHERE name = 'publish'") == TODAY


def test_reading_is_open_by_default_and_closed_on_demand(world: World, client: TestClient) -> None:
    closed = client_of(world, require_key_to_read=True)
    for url in READS:
        assert client.get(url).status_code == 200, url
        assert closed.get(url).status_code == 401, url
        assert closed.get(url, headers=world.headers("read")).status_code == 200, url
    assert closed.get("/v1/datasets", headers=world.headers("write")).status_code == 403
    for url in ("/live", "/ready", "/metrics"):
        assert closed.get(url).status_code == 200, url
    for url in ("/docs/api", "/openapi.json"):
        assert closed.get(url).status_code == 401, url
        assert closed.get(url, headers=world.headers("read")).status_code == 200, url


def test_what_needs_a_key_is_not_kept_by_strangers(world: World) -> None:
    closed = client_of(world, require_key_to_read=True)
    response = closed.get(f"/v1/runs/{world.trade.run_id}/forecasts", headers=world.headers("read"))
    assert response.headers["cache-control"].startswith("private")


def test_no_key_is_stored_in_plain_text(world: World) -> None:
    with world.engine.connect() as connection:
        stored = str(connection.execute(sa.text("SELECT * FROM api_key")).all())
    assert not any(key in stored for key in world.keys.values())


def test_a_feed_address_carries_the_key_and_only_reads(world: World) -> None:
    closed = client_of(world, require_key_to_read=True)
    feed = f"/feed/{world.keys['read']}"
    assert closed.get(f"{feed}/v1/calendar.ics").text.startswith("BEGIN:VCALENDAR")
    assert closed.head(f"{feed}/v1/datasets/CN_TRADE/observations?format=csv").status_code == 200
    assert closed.get("/feed/tw_wrong/v1/calendar.ics").status_code == 401
    assert closed.post(f"/feed/{world.keys['admin']}/v1/runs", json=RUN).status_code == 404


def test_pages_of_an_allowed_origin_may_read(world: World) -> None:
    allowed = client_of(world, cors_origins=("https://desk.example",))
    answer = allowed.get("/v1/datasets", headers={"Origin": "https://desk.example"})
    assert answer.headers["access-control-allow-origin"] == "https://desk.example"
    other = allowed.get("/v1/datasets", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


def test_the_api_description_names_ways_to_authenticate_and_operations(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey", "basic"}
    assert [server["url"] for server in document["servers"]] == ["/"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert "read_forecasts" in names
    forecasts = document["paths"]["/v1/datasets/{dataset}/forecasts"]["get"]
    assert set(forecasts["responses"]["200"]["content"]) >= {"application/json", "text/csv"}
    assert {} in forecasts["security"]
    assert {} not in document["paths"]["/v1/runs"]["post"]["security"]
