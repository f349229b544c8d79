from datetime import UTC, date, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from icalendar import Calendar

from api.rest.schemas.releases import ReleasePage
from tests.integration.api.conftest import World, client_of
from tests.support.answers import validate
from tests.support.factories import NOW

URL = "/v1/datasets/CN_TRADE/releases"
FIGURES = "month,flow,partner,sector,value\n2026-01,X,WLD,TOTAL,321.4\n"
PLAN = "dataset,period,due_on,time\nCN_TRADE,2025-12,2026-01-14,11:00+08:00\nCN_TRADE,2026-01,2026-03-10,\n"


def write(world: World, path: str, body: str, kind: str = "text/csv") -> Any:
    return client_of(world).post(path, content=body, headers=world.headers("write") | {"Content-Type": kind})


def answer(client: TestClient, url: str = URL, **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params or None)
    assert response.status_code == 200, response.text
    validate(ReleasePage, response.json())
    return dict(response.json())


@pytest.fixture
def planned(scratch: World) -> World:
    """A world with a calendar of its own: December is late since the 15th, January due in March."""
    assert write(scratch, "/v1/releases", PLAN).json() == {"planned": 2}
    return scratch


def test_what_is_due_and_what_is_late(planned: World) -> None:
    december, january = answer(client_of(planned))["releases"]
    assert (december["period"], december["status"], december["due_at"]) == (
        "2025-12",
        "late",
        "2026-01-14T03:00:00+00:00",
    )
    assert (january["period"], january["status"], january["due_on"]) == ("2026-01", "due", "2026-03-10")


def test_observations_is_done_and_the_year_ahead_is_planned(planned: World) -> None:
    write(planned, "/v1/datasets/CN_TRADE/observations", FIGURES)
    client = client_of(planned)
    assert [entry["period"] for entry in answer(client, status="done")["releases"]] == []
    # Imports are yet to come.
    january, february = answer(client)["releases"][:2]
    assert (january["status"], january["missing"], january["published_at"]) == ("due", 1, "2026-01-21T00:00:00+00:00")
    write(planned, "/v1/datasets/CN_TRADE/observations", FIGURES.replace(",X,", ",M,"))
    assert [entry["period"] for entry in answer(client, status="done")["releases"]] == ["2026-01"]
    assert answer(client, start="2026-02")["releases"][0] == february | {"due_on": "2026-03-09"}
    assert answer(client)["total"] == 13


def test_csv_has_the_same_fields(planned: World) -> None:
    text = client_of(planned).get(URL, params={"format": "csv", "limit": 1}).text
    header, row = text.splitlines()
    assert header == "period,status,due_on,due_at,published_at,missing,polls,polled_at"
    assert row == "2025-12,late,2026-01-14,2026-01-14 03:00:00+00:00,,0,0,"


def test_the_feed_is_read_back_by_a_calendar_program(planned: World) -> None:
    response = client_of(planned).get("/v1/calendar.ics", params={"dataset": "CN_TRADE"})
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    december, january = Calendar.from_ical(response.content).walk("VEVENT")
    assert december["UID"] == "CN_TRADE-2025-12@tradewind"
    assert december.decoded("DTSTART") == datetime(2026, 1, 14, 3, tzinfo=UTC)
    assert january.decoded("DTSTART") == date(2026, 3, 10)
    assert january.decoded("DTEND") == date(2026, 3, 11)
    assert str(january["SUMMARY"]) == "CN_TRADE, synthetic: 2026-01"
    assert december.decoded("DTSTAMP").date() == NOW.date().replace(day=21)


def test_a_feed_of_all_datasets_holds_every_event_once(planned: World) -> None:
    events = Calendar.from_ical(client_of(planned).get("/v1/calendar.ics").content).walk("VEVENT")
    assert len({str(event["UID"]) for event in events}) == len(events) == 2


def test_json_is_planned_like_csv(scratch: World) -> None:
    body = '{"releases": [{"dataset": "CN_TRADE", "period": "2026-02", "due_on": "2026-03-10"}]}'
    assert write(scratch, "/v1/releases", body, "application/json").status_code == 201
    assert answer(client_of(scratch))["releases"][0]["due_on"] == "2026-03-10"


def test_a_fault_is_named_and_nothing_is_planned(scratch: World) -> None:
    response = write(scratch, "/v1/releases", PLAN + "NOWHERE,2026-01,2026-03-10,\n")
    assert response.status_code == 422
    assert response.json()["faults"][0] == {
        "row": 4,
        "column": "dataset",
        "value": "NOWHERE",
        "reason": "no dataset has this code",
    }
    assert answer(client_of(scratch))["total"] == 0


def test_planning_needs_a_key_that_may_write(scratch: World) -> None:
    for headers, status in (({}, 401), (scratch.headers("read"), 403)):
        response = client_of(scratch).post("/v1/releases", content=PLAN, headers=headers | {"Content-Type": "text/csv"})
        assert response.status_code == status


def test_an_unknown_dataset_has_no_calendar(client: TestClient) -> None:
    assert client.get("/v1/datasets/NOWHERE/releases").status_code == 404
    assert client.get("/v1/calendar.ics", params={"dataset": "NOWHERE"}).status_code == 404
