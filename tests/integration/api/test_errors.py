from collections import defaultdict
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import DiskFull
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.pages import routers as pages
from api.rest import endpoints
from api.rest.endpoints import moved
from api.rest.schemas.problem import Problem
from store.database import make_engine
from tests.integration.api.conftest import World, client_of, options

SHAPE = {"type", "title", "status", "detail", "instance"}
READS = [
    "/v1/datasets",
    "/v1/datasets/CN_TRADE/series",
    "/v1/datasets/CN_CLEANTECH/observations",
    "/v1/datasets/CN_CLEANTECH/forecasts",
    "/v1/datasets/CN_CLEANTECH/backtests",
    "/v1/datasets/CN_CLEANTECH/backtests/folds",
    "/v1/partners",
    "/v1/runs",
    "/v1/runs/2/forecasts",
]
NAMES = ["flow", "partner", "sector", "level", "horizon", "as_of", "run", "limit", "offset", "start", "end", "q"]
NAMES += ["by", "kind", "forecaster", "dataset", "status", "format", "period", "frequency", "units", "of"]
VALUES = st.one_of(
    st.sampled_from(["X", "B", "M,B", "USA", "EU27,USA", "EV", "2024-01", "2026-01-15", "1", "80", "step", "csv"]),
    st.sampled_from(["2026", "2026-Q2", "2026-05/2027-01", "A", "JF", "pc1", "share", "partner", "total"]),
    st.sampled_from(["%00", "\x00", "'; DROP TABLE run; --", "-1", "1e400", "nan", "∞", ",", ",,", "0", "99.9999999"]),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.text(max_size=20),
)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = dict(response.json())
    Problem.model_validate(body)
    assert set(body) >= SHAPE
    assert body["status"] == status
    return body


def test_every_kind_of_error_has_one_shape(client: TestClient, world: World) -> None:
    writer = world.headers("write")
    problem(client.get("/nowhere"), 404)
    problem(client.get("/v1/datasets/NOWHERE/forecasts"), 404)
    problem(client.get("/v1/runs/999999"), 404)
    problem(client.get("/static/nowhere.js"), 404)
    problem(client.delete("/v1/runs"), 405)
    problem(client.get("/v1/runs", params={"limit": "many"}), 422)
    problem(client.get("/v1/datasets/CN_TRADE/forecasts", params={"horizon": 100}), 422)
    problem(client.get("/v1/datasets/CN_TRADE/forecasts", headers={"Accept": "image/png"}), 406)
    problem(client.get(f"/v1/runs/{world.queued}/forecasts"), 409)
    problem(client.post("/v1/runs", json={}), 401)
    problem(client.post("/v1/runs", json={}, headers=world.headers("read")), 403)
    problem(client.post("/v1/runs", json={}, headers=world.headers("publish")), 422)
    problem(client.post("/v1/datasets/CN_TRADE/observations", content=b"x", headers=writer), 415)


def test_an_error_carries_its_data(client: TestClient) -> None:
    body = problem(client.get("/v1/datasets/CN_TRADE/forecasts", params={"horizon": 100, "run": 1}), 422)
    assert (body["horizon"], body["run"], body["run_horizon"]) == (100, 1, 6)
    assert body["type"] == "urn:tradewind:problem:horizon-beyond-run"
    assert body["instance"] == "/v1/datasets/CN_TRADE/forecasts"
    faults = problem(client.get("/v1/runs", params={"limit": "many", "offset": -1}), 422)["faults"]
    assert {fault["where"]: fault["value"] for fault in faults} == {"query.limit": "many", "query.offset": "-1"}


def test_every_endpoint_refuses_a_parameter_that_it_does_not_know(client: TestClient, world: World) -> None:
    codes: dict[str, Any] = {
        "dataset": "CN_TRADE",
        "run_id": world.trade.run_id,
        "flow": "X",
        "partner": "WLD",
        "sector": "TOTAL",
    }
    codes |= {"form": "html", "indicator": "KR_EXPORTS", "event": "US_IEEPA_10", "regressor": "RATE"}
    # Numbers of scenarios, adjustments and rules.
    parameters = defaultdict(lambda: 1, codes)
    routers = (*endpoints.ROUTERS, *pages.ROUTERS)
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 30
    for route in routes:
        if route in moved.router.routes:
            continue
        for method in route.methods or ():
            path = route.path.format_map(parameters)
            response = client.request(method, f"{path}?foo=1", headers=world.headers("admin"))
            assert (response.status_code, "foo" in response.text) == (422, True), (method, path)


def test_a_guard_comes_before_unknown_parameters(client: TestClient) -> None:
    assert client.post("/v1/datasets/CN_TRADE/observations?foo=1").status_code == 401


def test_a_method_that_is_not_allowed_names_those_that_are(client: TestClient) -> None:
    response = client.put("/v1/datasets/CN_TRADE/forecasts")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    assert client.delete("/v1/runs").headers["allow"] == "GET, HEAD, POST"


def test_what_goes_wrong_inside_stays_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("store.queries.catalog.datasets", broken)
    response = client_of(world).get("/v1/datasets")
    problem(response, 500)
    assert "42" not in response.text
    assert "RuntimeError" not in response.text


def test_an_error_is_never_kept(client: TestClient) -> None:
    assert client.get("/v1/runs/999999").headers["cache-control"] == "no-store"


def test_nothing_is_made_or_opened_at_import_or_creation(world: World) -> None:
    row, other = (create_app(engine=world.engine, options=options()) for _ in range(2))
    assert row.state.registry is not other.state.registry


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    url=st.sampled_from(READS),
    params=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4),
    accept=st.sampled_from(["*/*", "text/csv", ";;;q=x,,", "application/json;q=0"]),
)
def test_no_question_breaks_the_service(
    client: TestClient, url: str, params: list[tuple[str, str]], accept: str
) -> None:
    response = client.get(url, params=params, headers={"Accept": accept})
    assert response.status_code in (200, 404, 406, 409, 422), (params, response.text)
    if response.status_code != 200:
        problem(response, response.status_code)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(max_size=30), body=st.binary(max_size=60))
def test_no_path_or_body_breaks_the_service(client: TestClient, world: World, path: str, body: bytes) -> None:
    for url in (f"/v1/datasets/{quote(path, safe='')}/forecasts", f"/v1/runs/{quote(path, safe='')}"):
        assert client.get(url).status_code in (200, 307, 404, 422)
    for kind in ("text/csv", "application/json"):
        headers = world.headers("write") | {"Content-Type": kind}
        response = client.post("/v1/datasets/CN_TRADE/observations", content=body, headers=headers)
        assert response.status_code == 422, response.text


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("/v1/datasets/CN_TRADE/outside", "/v1/datasets/CN_TRADE/external-forecasts"),
        ("/v1/datasets/CN_TRADE/outside/models", "/v1/datasets/CN_TRADE/external-forecasts/models"),
        ("/v1/runs/1/lines", "/v1/runs/1/forecast-history"),
    ],
)
def test_a_path_of_an_earlier_release_names_the_present_one(client: TestClient, path: str, new: str) -> None:
    body = problem(client.get(path), 404)
    assert body["new_path"] == new
    assert new in body["detail"]


def test_a_parameter_of_an_earlier_release_names_the_present_one(client: TestClient) -> None:
    body = problem(client.get("/v1/datasets/CN_TRADE/forecasts?certificate=true"), 422)
    assert body["detail"] == "query.certificate: renamed: use coverage"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/v1/datasets/CN_TRADE/forecasts?fmt=csv", "did you mean format?"),
        ("/v1/runs?colour=blue", "known are dataset,"),
        ("/v1/runs/1/report.html?appendix=true", "this address takes no parameters."),
    ],
)
def test_an_unknown_parameter_names_the_likely_one(client: TestClient, address: str, reason: str) -> None:
    name = address.partition("?")[2].partition("=")[0]
    assert problem(client.get(address), 422)["detail"].startswith(f"query.{name}: unknown parameter: {reason}")


def test_a_page_without_its_database_is_a_page(world: World) -> None:
    away = make_engine("postgresql://nobody@127.0.0.1:1/nothing", autocommit=True)
    client = client_of(replace(world, engine=away))
    answer = client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "Database unavailable" in answer.text
    assert int(answer.headers["retry-after"]) > 0


def test_a_full_disk_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, DiskFull("could not extend file"))

    monkeypatch.setattr("store.queries.catalog.datasets", full)
    assert problem(client_of(world).get("/v1/datasets"), 503)["title"] == "Disk full"


def test_the_reference_is_as_protected_as_the_data(world: World) -> None:
    client = client_of(world, require_key_to_read=True)
    for path in ("/docs/api", "/openapi.json"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=world.headers("read")).status_code == 200
