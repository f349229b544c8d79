import re
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from tests.conftest import new_database
from tests.integration.api.conftest import World, build_world, client_of, options
from tests.support.documents import ROOT


def test_ready_when_every_dataset_has_a_published_run(client: TestClient) -> None:
    response = client.get("/ready")
    assert (response.status_code, response.json()) == (200, {"ready": True, "missing": []})


def test_ready_says_which_run_is_missing(scratch: World) -> None:
    with scratch.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM run WHERE dataset_id = 'CN_TRADE'"))
    response = client_of(scratch).get("/ready")
    assert response.status_code == 503
    assert response.json()["missing"] == ["no run of CN_TRADE is published"]
    assert response.headers["retry-after"]


def test_ready_says_that_migrations_are_missing(server_url: str) -> None:
    engine = make_engine(new_database(server_url, "unmigrated"))
    response = TestClient(create_app(engine=engine, options=options())).get("/ready")
    engine.dispose()
    assert response.status_code == 503
    assert "run the migrations" in response.json()["missing"][0]


def test_ready_says_that_nothing_is_stored(server_url: str) -> None:
    engine = make_engine(new_database(server_url, "empty"))
    migrate(engine)
    client = TestClient(create_app(engine=engine, options=options()))
    assert client.get("/ready").json()["missing"] == ["no dataset is stored"]
    assert client.get("/v1/datasets").json()["datasets"] == []
    engine.dispose()


def test_metrics_count_requests_by_route_and_show_the_store(scratch: World) -> None:
    client = client_of(scratch)
    for dataset in ("CN_TRADE", "CN_CLEANTECH", "NOWHERE"):
        client.get(f"/v1/datasets/{dataset}/forecasts")
    client.get("/nowhere/at/all")
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    requests = {
        tuple(sample.labels.values()): sample.value
        for sample in families["tradewind_requests"].samples
        if sample.name.endswith("_total")
    }
    assert requests["GET", "/v1/datasets/{dataset}/forecasts", "200"] == 2
    assert requests["GET", "/v1/datasets/{dataset}/forecasts", "404"] == 1
    assert requests["GET", "(none)", "404"] == 1
    runs = {tuple(sample.labels.values()): sample.value for sample in families["tradewind_runs"].samples}
    assert runs == {
        ("CN_TRADE", "published"): 2,
        ("CN_CLEANTECH", "published"): 1,
        ("CN_CLEANTECH", "queued"): 1,
    }
    (age,) = {sample.value for sample in families["tradewind_last_published_age_seconds"].samples}
    assert age == 27 * 3600
    assert families["tradewind_database_up"].samples[0].value == 1
    assert {tuple(row.labels.values()): row.value for row in families["tradewind_alerts"].samples} == {
        (dataset, kind): 0 for dataset in ("CN_TRADE", "CN_CLEANTECH") for kind in ("late", "source", "run", "rule")
    }
    assert "tradewind_request_seconds" in families


def test_the_documentation_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/docs/api").text
    assert "http://" not in page
    assert "https://" not in page
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"):
        assert client.get(f"/static/swagger-ui/{name}").status_code == 200


def is_mentioned(path: str, method: str, documents: str) -> bool:
    """Whether the documents name a path, with any value of its parameters; a method other than GET stands before it."""
    address = re.sub(r"\\{\w+\\}", r"[{}$\\w.|-]+", re.escape(path))
    before = "" if method == "get" else rf"{method}\S* +\S*"
    return re.search(rf"(?i){before}{address}(?![\w/])", documents) is not None


def test_every_endpoint_is_documented(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    pages = [*(ROOT / "docs" / "api").glob("*.md"), *(ROOT / "docs" / "operations").glob("*.md")]
    documents = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    endpoints = {(path, method) for path, methods in paths.items() for method in methods}
    assert len(endpoints) > 60
    assert {endpoint for endpoint in endpoints if not is_mentioned(*endpoint, documents)} == set()
    for methods in paths.values():
        for operation in methods.values():
            assert operation["description"]


def test_the_web_loads_no_forecaster() -> None:
    heavy = ("prophet", "statsforecast", "cmdstanpy", "scipy", "matplotlib")
    program = f"import sys, api.app; sys.exit(','.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_without_its_database_the_service_says_so_and_recovers_by_itself(tmp_path: Path) -> None:
    with embedded_postgres.start(tmp_path, durable=False) as url:
        engine = make_engine(url, pool_size=2)
        migrate(engine)
        client = client_of(build_world(engine))
        assert client.get("/v1/datasets/CN_TRADE/forecasts").status_code == 200
    _is_away(client)
    with embedded_postgres.start(tmp_path, durable=False) as again:
        assert again == url
        assert client.get("/v1/datasets/CN_TRADE/forecasts").status_code == 200
        assert client.get("/ready").status_code == 200
        engine.dispose()


def _is_away(client: TestClient) -> None:
    started = time.monotonic()
    response = client.get("/v1/datasets/CN_TRADE/forecasts")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.headers["content-type"] == "application/problem+json"
    assert "postgres" not in response.text.lower()
    assert client.get("/live").status_code == 200
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()["missing"]) == (503, ["the database does not answer"])
    assert "tradewind_database_up 0.0" in client.get("/metrics").text
    assert time.monotonic() - started < 5
