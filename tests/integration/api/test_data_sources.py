from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from api.rest.schemas.catalog import SourceAnswer, SourcePage
from api.rest.schemas.schedule import ScheduleAnswer
from store.queries import fetch_attempts
from tests.integration.api.conftest import client_of
from tests.support.answers import validate


@pytest.fixture
def client(scratch):
    with client_of(scratch) as client:
        yield client


@pytest.fixture
def session(scratch):
    with Session(scratch.engine) as session:
        yield session


def attempt(session, dataset, hour, outcome, **given):
    moment = datetime(2026, 8, 21, hour, tzinfo=UTC)
    fetch_attempts.record(
        session,
        dataset=dataset,
        source="comtrade",
        started_at=moment,
        finished_at=moment,
        outcome=outcome,
        feed_hash="0" * 64,
        **given,
    )
    session.commit()


def test_sources_tell_their_last_success_and_their_last_failure(client, session):
    attempt(session, "CN_TRADE", 8, "new", inserted=2)
    attempt(session, "CN_TRADE", 9, "failed", reason="Refused: answered 500")
    attempt(session, "CN_TRADE", 10, "failed", reason="Refused: answered 503")
    attempt(session, "AA", 7, "unchanged")
    page = client.get("/v1/sources").json()
    validate(SourcePage, page)
    assert page["sources"] == [
        {
            "dataset": "AA",
            "source": "comtrade",
            "last_attempt_at": "2026-08-21T07:00:00+00:00",
            "outcome": "unchanged",
            "last_success_at": "2026-08-21T07:00:00+00:00",
            "last_failure_at": None,
            "last_failure": None,
        },
        {
            "dataset": "CN_TRADE",
            "source": "comtrade",
            "last_attempt_at": "2026-08-21T10:00:00+00:00",
            "outcome": "failed",
            "last_success_at": "2026-08-21T08:00:00+00:00",
            "last_failure_at": "2026-08-21T10:00:00+00:00",
            "last_failure": "Refused: answered 503",
        },
    ]


def test_sources_are_paged_and_come_as_csv(client, session):
    for dataset in ("A", "B", "C"):
        attempt(session, dataset, 8, "unchanged")
    page = client.get("/v1/sources?limit=2").json()
    assert (page["total"], page["next"], len(page["sources"])) == (3, "/v1/sources?limit=2&offset=2", 2)
    lines = client.get("/v1/sources?format=csv&offset=2").text.splitlines()
    assert lines[0].split(",") == list(SourceAnswer.__annotations__)
    assert lines[1].startswith("C,comtrade,")


def test_the_schedule_names_the_next_and_the_last_task_of_each_dataset(client, session):
    attempt(session, "CN_TRADE", 8, "failed", reason="Unreachable: away")
    answer = validate(ScheduleAnswer, client.get("/v1/schedule").json())
    tasks = {(task["dataset"], task["task"]): task for task in answer["tasks"]}
    assert set(tasks) == {(dataset, "run") for dataset in ("CN_TRADE", "CN_CLEANTECH")}
    assert tasks["CN_TRADE", "run"]["last_outcome"] == "published"
    assert client.get("/v1/schedule?limit=1").status_code == 422
