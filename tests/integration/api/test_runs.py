import io
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from api.rest.schemas.runs import RunAnswer, RunPage
from store.queries import run_status
from tests.integration.api.conftest import FORECAST, TODAY, World, client_of, scalar
from tests.support.answers import validate


def test_runs_are_listed_newest_first(client: TestClient, world: World) -> None:
    found = client.get("/v1/runs").json()
    validate(RunPage, found)
    numbers = [world.queued, world.earlier.run_id, world.clean.run_id, world.trade.run_id]
    assert [run["id"] for run in found["runs"]] == numbers
    some = client.get("/v1/runs", params={"dataset": "CN_TRADE", "status": "published", "limit": 1}).json()
    assert (some["total"], [run["id"] for run in some["runs"]]) == (2, [world.earlier.run_id])
    assert client.get(some["next"]).json()["runs"][0]["id"] == world.trade.run_id


def test_runs_come_as_csv(client: TestClient) -> None:
    rows = pd.read_csv(io.StringIO(client.get("/v1/runs", headers={"Accept": "text/csv"}).text))
    assert list(rows["dataset"]) == ["CN_CLEANTECH", "CN_TRADE", "CN_CLEANTECH", "CN_TRADE"]


def test_a_published_run_may_be_kept_and_a_waiting_one_not(client: TestClient, world: World) -> None:
    published = client.get(f"/v1/runs/{world.trade.run_id}")
    validate(RunAnswer, published.json())
    assert published.headers["cache-control"].endswith("immutable")
    tag = {"If-None-Match": published.headers["etag"]}
    assert client.get(f"/v1/runs/{world.trade.run_id}", headers=tag).status_code == 304
    assert client.get(f"/v1/runs/{world.queued}").headers["cache-control"] == "no-store"


def ask(world: World, body: Any, **changes: Any) -> Any:
    return client_of(world, **changes).post("/v1/runs", json=body, headers=world.headers("publish"))


def test_a_run_asked_for_waits_and_its_progress_can_be_read(scratch: World) -> None:
    response = ask(scratch, {"dataset": "CN_TRADE", "as_of": "2025-06-30", "horizon": 12})
    assert response.status_code == 202, response.text
    validate(RunAnswer, response.json())
    where = response.headers["location"]
    client = client_of(scratch)
    waiting = client.get(where).json()
    assert (waiting["status"], waiting["as_of"], waiting["horizon"]) == ("queued", "2025-06-30", 12)
    assert (waiting["config_hash"], waiting["seed"]) == (replace(FORECAST, horizon=12).digest, 3)
    with Session(scratch.engine) as session:
        run_status.start(session, waiting["id"], cutoff=TODAY.date().replace(day=1), data_hash="f", started_at=TODAY)
        run_status.progress(session, waiting["id"], stage="fit", done=2, total=9)
        session.commit()
    running = client.get(where).json()
    assert (running["status"], running["stage"], running["done"], running["total"]) == ("running", "fit", 2, 9)


def test_without_more_a_run_is_of_today_with_the_deployment_s_horizon(scratch: World) -> None:
    answer = ask(scratch, {"dataset": "CN_TRADE"}).json()
    assert (answer["as_of"], answer["horizon"]) == ("2026-01-21", 24)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"dataset": "NOWHERE"}, 404, "NOWHERE"),
        ({"dataset": "CN_TRADE", "as_of": "2026-01-22"}, 422, "future"),
        ({"dataset": "CN_TRADE", "horizon": 61}, 422, "above 60"),
        ({"dataset": "CN_TRADE", "horizon": 0}, 422, "horizon"),
        ({"dataset": "CN_TRADE", "horizon": True}, 422, "horizon"),
        ({"dataset": "CN_TRADE", "as_of": 0}, 422, "as_of"),
        ({"dataset": "CN_TRADE", "colour": "red"}, 422, "colour"),
        ({"dataset": "CN\x00TRADE"}, 422, "dataset"),
        ({}, 422, "dataset"),
        ([], 422, "the body"),
        ("text", 422, "the body"),
    ],
)
def test_a_run_that_cannot_be_is_not_queued(scratch: World, body: Any, status: int, words: str) -> None:
    before = scalar(scratch, "SELECT count(*) FROM run")
    response = ask(scratch, body)
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]
    assert scalar(scratch, "SELECT count(*) FROM run") == before


def test_a_large_body_is_refused(scratch: World) -> None:
    response = ask(scratch, {"dataset": "x" * 500}, max_upload_bytes=100)
    assert response.status_code == 413


def test_unknown_runs_and_datasets_are_not_found(client: TestClient) -> None:
    assert client.get("/v1/runs/999999").status_code == 404
    assert client.get("/v1/runs/99999999999999999999").status_code == 422
    assert client.get("/v1/runs/one").status_code == 422
    assert client.get("/v1/runs", params={"dataset": "NOWHERE"}).status_code == 404
    assert client.get("/v1/runs", params={"status": "late"}).status_code == 422


def test_a_waiting_run_can_be_cancelled_and_an_ended_one_cannot(scratch: World) -> None:
    client, headers = client_of(scratch), scratch.headers("publish")
    address = f"/v1/runs/{scratch.queued}/cancel"
    assert client.post(address, headers=scratch.headers("read")).status_code == 403
    cancelled = client.post(address, headers=headers)
    assert cancelled.status_code == 200, cancelled.text
    validate(RunAnswer, cancelled.json())
    assert (cancelled.json()["status"], cancelled.json()["failures"]) == ("failed", [{"reason": run_status.CANCELLED}])
    assert client.post(address, headers=headers).status_code == 409
    assert client.post(f"/v1/runs/{scratch.trade.run_id}/cancel", headers=headers).status_code == 409
    assert client.post("/v1/runs/999999/cancel", headers=headers).status_code == 404


def test_a_queue_has_an_end(scratch: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runs.run_requests.LONGEST_QUEUE", 2)
    answers = [ask(scratch, {"dataset": "CN_TRADE"}).status_code for _ in range(3)]
    assert answers == [202, 202, 429]
    # The queue of another dataset is its own; one run waits there already.
    assert ask(scratch, {"dataset": "CN_CLEANTECH"}).status_code == 202


@pytest.mark.parametrize(
    "body", [{"as_of": 0}, {"as_of": 20250101}, {"horizon": True}, {"horizon": "6"}, {"dataset": 1}]
)
def test_a_request_of_another_type_is_refused(scratch: World, body: dict[str, Any]) -> None:
    assert ask(scratch, {"dataset": "CN_TRADE"} | body).status_code == 422
