"""Events over HTTP: read as known on a day, filtered by scope, imported and deleted."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import create_app
from api.rest.schemas.events import EventPage, EventsStored, SeriesEventPage
from tests.integration.api.conftest import World, client_of, copy_of, options
from tests.support.answers import validate

STRIKE = {
    "id": "PORT_STRIKE",
    "kind": "closure",
    "title": "Strike of dockers",
    "announced": "2025-03-01",
    "effective": "2025-03-03",
    "authority": "Union",
    "reporter": "CHN",
    "flow": "X",
    "partner": "USA DEU",
    "source": "press",
}


@pytest.fixture(scope="module")
def client(bundled_engine: Engine) -> Iterator[TestClient]:
    """The application over the bundled figures and events."""
    with TestClient(create_app(engine=bundled_engine, options=options())) as client:
        yield client


def ids(client: TestClient, **params: Any) -> set[str]:
    response = client.get("/v1/events", params={"limit": 1000, **params})
    assert response.status_code == 200, response.text
    validate(EventPage, response.json())
    return {event["id"] for event in response.json()["events"]}


def test_events_are_those_announced_by_the_day(client: TestClient) -> None:
    assert len(ids(client)) == 28
    assert ids(client, as_of="2025-04-02") - ids(client, as_of="2025-04-01") == {"US_RECIPROCAL_10", "US_DE_MINIMIS"}


def test_filters_keep_events_that_concern_the_codes(client: TestClient) -> None:
    germany = ids(client, partner="DEU")
    assert germany == {
        *("EU_BEV_PROVISIONAL", "EU_BEV_DEFINITIVE", "CN_PANDEMIC_CLOSURE", "CN_REBATE_2024_SOLAR"),
        *("CN_REBATE_2024_BATTERIES", "CN_REBATE_2026_SOLAR", "CN_REBATE_2026_BATTERIES", "CN_REBATE_2027_BATTERIES"),
    }
    assert ids(client, partner="DEU", sector="EV") == {
        *("EU_BEV_PROVISIONAL", "EU_BEV_DEFINITIVE", "CN_PANDEMIC_CLOSURE"),
    }
    assert ids(client, flow="M") == set()
    assert ids(client, kind="truce", start="2025-01-01", end="2025-12-31") == {"US_GENEVA_TRUCE", "US_TRUCE_2025"}


def test_mirror_data_of_the_other_side_are_concerned_too(client: TestClient) -> None:
    """Imports of the United States from China are exports of China to the United States."""
    imports = ids(client, reporter="USA", flow="M", partner="CHN")
    assert imports == ids(client, reporter="CHN", flow="X", partner="USA")
    assert ids(client, reporter="USA", flow="X", partner="CHN") == set()
    assert ids(client, reporter="USA", flow="M", partner="DEU") == set()


def test_events_come_as_csv_that_can_be_sent_back(client: TestClient, scratch: World) -> None:
    response = client.get("/v1/events", params={"format": "csv", "partner": "USA", "sector": "SOLAR"})
    table = pd.read_csv(io.StringIO(response.text))
    assert len(table) == int(response.headers["x-total-count"]) > 5
    with client_of(scratch) as writer:
        headers = {"Content-Type": "text/csv", **scratch.headers("write")}
        stored = writer.post("/v1/events", content=response.text, headers=headers)
    validate(EventsStored, stored.json())
    assert (stored.status_code, stored.json()["inserted"]) == (201, len(table))


def test_events_are_sent_corrected_and_deleted(scratch: World) -> None:
    with client_of(scratch) as client:
        write = scratch.headers("write")
        assert client.post("/v1/events", json={"events": [STRIKE]}, headers=write).json()["inserted"] == 1
        ended = STRIKE | {"until": "2025-03-20"}
        assert client.post("/v1/events", json={"events": [ended]}, headers=write).json()["changed"] == 1
        (event,) = client.get("/v1/events").json()["events"]
        assert (event["until"], event["partner"], event["measure"]) == ("2025-03-20", "DEU USA", "PORT_STRIKE")
        assert client.delete("/v1/events/PORT_STRIKE", headers=write).status_code == 204
        again = client.delete("/v1/events/PORT_STRIKE", headers=write)
        assert (again.status_code, again.json()["event"]) == (404, "PORT_STRIKE")


def test_writing_events_needs_a_key(scratch: World) -> None:
    with client_of(scratch) as client:
        assert client.post("/v1/events", json={"events": [STRIKE]}).status_code == 401
        assert client.delete("/v1/events/PORT_STRIKE", headers=scratch.headers("read")).status_code == 403


def test_a_fault_names_row_and_column(scratch: World) -> None:
    with client_of(scratch) as client:
        wrong = STRIKE | {"effective": "2025-02-01"}
        response = client.post("/v1/events", json={"events": [STRIKE, wrong]}, headers=scratch.headers("write"))
    assert response.status_code == 422
    assert {fault["column"] for fault in response.json()["faults"]} == {"effective", "id"}


DUTY = STRIKE | {"kind": "tariff", "partner": "USA", "rate_before": "0", "rate_after": "25"}
STATUSES = [
    ("OBSERVED", "2025-03-01", "2025-03-03", "in the observations"),
    ("AHEAD", "2026-01-10", "2026-02-01", "known, not in the forecast"),
    ("LATER", "2026-01-18", "2026-02-01", "announced after the forecast"),
]


@pytest.fixture(scope="module")
def listing(original: World, server_url: str) -> Iterator[TestClient]:
    """A world with events before, ahead of and after its forecast of 15 January 2026, data to December 2025."""
    world = copy_of(original, server_url)
    rows = [
        DUTY | {"id": name, "title": name, "announced": announced, "effective": effective}
        for name, announced, effective, _ in STATUSES
    ]
    with client_of(world) as client:
        assert client.post("/v1/events", json={"events": rows}, headers=world.headers("write")).status_code == 201
        yield client
    world.engine.dispose()


def test_events_are_listed_beside_the_forecast_with_their_status(listing: TestClient) -> None:
    params = {"flow": "X", "partner": "USA", "sector": "EV"}
    response = listing.get("/v1/datasets/CN_CLEANTECH/events", params=params)
    validate(SeriesEventPage, response.json())
    found = [(event["id"], event["status"], event["relation"]) for event in response.json()["events"]]
    assert found == [(name, status, "scope") for name, *_, status in STATUSES]


def test_an_event_of_a_part_is_listed_for_the_whole_and_not_for_another_partner(listing: TestClient) -> None:
    path = "/v1/datasets/CN_CLEANTECH/events"
    world = listing.get(path, params={"flow": "X", "partner": "WLD", "sector": "TOTAL"}).json()["events"]
    assert {event["relation"] for event in world} == {"part"}
    assert listing.get(path, params={"flow": "X", "partner": "DEU", "sector": "EV"}).json()["events"] == []


def test_the_page_of_a_series_marks_and_lists_its_events(listing: TestClient) -> None:
    path = "/series/CN_CLEANTECH/X/USA/EV"
    text = listing.get(path).text
    assert "Events: 1 OBSERVED; 2 AHEAD and 1 more." in text
    table = listing.get(path, params={"section": "events", "save": "csv"}).text
    assert list(csv.reader(io.StringIO(table)))[1][:2] == ["LATER", "announced after the forecast"]
    assert "event number" in listing.get(path, params={"section": "forecast", "save": "svg"}).text
    other = listing.get("/series/CN_CLEANTECH/X/DEU/EV", params={"section": "forecast", "save": "svg"}).text
    assert "event number" not in other


def test_the_memo_names_events_that_are_known_and_not_in_the_forecast(listing: TestClient) -> None:
    run = listing.get("/v1/datasets/CN_CLEANTECH/forecasts", params={"limit": 1}).json()["run"]["id"]
    memo = listing.get(f"/v1/runs/{run}/memo.html").text
    assert "AHEAD, effective 1 February 2026: not in the forecasts." in memo
    assert "OBSERVED, effective" not in memo
    assert "LATER, effective" not in memo
