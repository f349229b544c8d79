"""The cache of answers: the same answer without a query, and never an old run's for longer than a moment."""

import time
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import Session

from store.queries import releases
from tests.integration.api.conftest import TODAY, World, client_of
from tests.support.factories import publish_run

LATEST = "/v1/datasets/CN_CLEANTECH/forecasts?flow=X&partner=USA&sector=EV"


class QueryCounter:
    """Counts every statement that a database connection executes."""

    def __init__(self, world: World) -> None:
        self.number = 0
        self.engine = world.engine
        sa.event.listen(self.engine, "checkout", self._count)

    def _count(self, *_: Any) -> None:
        self.number += 1

    def close(self) -> None:
        sa.event.remove(self.engine, "checkout", self._count)


@pytest.fixture
def queries(scratch: World) -> Any:
    counter = QueryCounter(scratch)
    yield counter
    counter.close()


def body_of(client: TestClient, url: str, **headers: str) -> tuple[bytes, str]:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.text
    return response.content, response.headers["etag"]


@pytest.mark.parametrize("more", ["", "&format=csv", "&frequency=A&units=pc1", "&level=70"])
def test_a_repeated_answer_needs_no_connection(scratch: World, queries: QueryCounter, more: str) -> None:
    client = client_of(scratch, latest_run_seconds=60.0)
    for url in (LATEST + more, f"/v1/runs/{scratch.clean.run_id}/forecasts?partner=USA{more}"):
        first = body_of(client, url)
        before = queries.number
        assert before > 0
        assert body_of(client, url) == first
        assert queries.number == before


def test_the_order_of_parameters_does_not_matter(scratch: World, queries: QueryCounter) -> None:
    client = client_of(scratch, latest_run_seconds=60.0)
    first = body_of(client, LATEST)
    before = queries.number
    assert body_of(client, "/v1/datasets/CN_CLEANTECH/forecasts?sector=EV&partner=USA&flow=X") == first
    assert queries.number == before


def test_formats_and_encodings_are_kept_apart(scratch: World) -> None:
    client = client_of(scratch, latest_run_seconds=60.0)
    plain = body_of(client, LATEST, **{"Accept-Encoding": "identity"})
    assert client.get(LATEST, headers={"Accept": "text/csv"}).headers["content-type"].startswith("text/csv")
    packed = client.get(LATEST, headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain[0])
    assert body_of(client, LATEST, **{"Accept-Encoding": "identity"}) == plain


def test_a_client_with_the_current_answer_gets_304_from_memory(scratch: World, queries: QueryCounter) -> None:
    client = client_of(scratch, latest_run_seconds=60.0)
    _, tag = body_of(client, LATEST)
    before = queries.number
    response = client.get(LATEST, headers={"If-None-Match": tag})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    assert queries.number == before


def test_a_new_run_is_served_once_the_moment_is_over(scratch: World) -> None:
    client = client_of(scratch, latest_run_seconds=0.0)
    before = client.get(LATEST).json()["run"]["id"]
    with Session(scratch.engine) as session:
        published = publish_run(session, "CN_CLEANTECH", as_of=date(2026, 1, 21), seed=12, data_hash="d" * 64)
        session.commit()
    assert client.get(LATEST).json()["run"]["id"] == published.run_id != before


def test_a_first_answer_within_the_moment_reads_only_its_forecasts(scratch: World, queries: QueryCounter) -> None:
    client = client_of(scratch, latest_run_seconds=60.0)
    first = client.get(LATEST).json()
    before = queries.number
    other = client.get(LATEST.replace("USA", "DEU")).json()
    assert queries.number == before + 1
    assert other["run"] == first["run"]


def test_a_steady_flow_of_requests_does_not_prolong_the_moment(scratch: World) -> None:
    client = client_of(scratch, latest_run_seconds=0.3, answer_cache_bytes=0)
    before = client.get(LATEST).json()["run"]["id"]
    with Session(scratch.engine) as session:
        published = publish_run(session, "CN_CLEANTECH", as_of=date(2026, 1, 21), seed=12, data_hash="d" * 64)
        session.commit()
    until = time.monotonic() + 0.35
    while time.monotonic() < until:
        client.get(LATEST)
    assert client.get(LATEST).json()["run"]["id"] == published.run_id != before


def test_nothing_is_kept_where_reading_needs_a_key(scratch: World) -> None:
    closed = client_of(scratch, require_key_to_read=True, latest_run_seconds=60.0)
    assert closed.get(LATEST, headers=scratch.headers("read")).status_code == 200
    assert closed.get(LATEST).status_code == 401


def test_metrics_count_repeated_answers_by_route(scratch: World) -> None:
    client = client_of(scratch, latest_run_seconds=60.0)
    for _ in range(3):
        client.get(LATEST)
    counted = 'tradewind_requests_total{method="GET",route="/v1/datasets/{dataset}/forecasts",status="200"} 3.0'
    assert counted in client.get("/metrics").text


def test_the_least_recently_used_answers_leave_first(scratch: World, queries: QueryCounter) -> None:
    size = len(client_of(scratch).get(LATEST).content) + 2_000
    client = client_of(scratch, latest_run_seconds=60.0, answer_cache_bytes=int(2.5 * size))
    for url in (LATEST, f"{LATEST}&limit=2", f"{LATEST}&limit=3"):
        client.get(url, headers={"Accept-Encoding": "identity"})
    before = queries.number
    client.get(f"{LATEST}&limit=3", headers={"Accept-Encoding": "identity"})
    assert queries.number == before
    client.get(LATEST, headers={"Accept-Encoding": "identity"})
    assert queries.number > before


def test_a_stored_answer_is_not_repeated_once_a_release_is_overdue(scratch: World) -> None:
    now = [TODAY]
    with Session(scratch.engine) as session:
        releases.record(session, "CN_CLEANTECH", {date(2025, 12, 1): date(2026, 1, 9)})
        session.commit()
    client = client_of(scratch, latest_run_seconds=0.2, now=lambda: now[0])
    assert client.get(LATEST).json()["overdue"] == []
    now[0] = TODAY.replace(month=4)
    time.sleep(0.25)
    other = LATEST.replace("USA", "DEU")
    assert client.get(other).json()["overdue"] == ["2026-01", "2026-02", "2026-03"]
    assert client.get(LATEST).json()["overdue"] == ["2026-01", "2026-02", "2026-03"]
