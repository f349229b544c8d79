"""Stored scenarios over HTTP: computed on each run while they last, compared, and scored when they are over."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from forecasting.config import ForecastConfig
from jobs.ingestion.ingest import ingest
from jobs.runs.forecast_run import run_forecast
from services.datasets.datasets import add_codes
from sources.observation_batch import ObservationBatch
from store.database import make_engine
from store.queries import api_keys, catalog
from tests.conftest import database_copy, new_database
from tests.integration.api.conftest import options
from tests.integration.api.test_contributions import DATASET, LEVELS
from tests.support.factories import NOW
from tests.support.scheduler_world import here

CONFIG = ForecastConfig(horizon=14, folds=3, burn_in=3, draws=200, forecasters=("seasonal_naive", "naive"))
QUARTER = {"series": "X.USA", "period": "2026-Q1", "units": "pc1", "value": -10}
YEAR = {"series": "X.USA", "period": "2026", "units": "pc1", "value": -10}
STATED = {"dataset": "PARTNERS", "author": "Desk", "reason": "The truce ends", "level": [80]}
REPORT = [{"series": "X.WLD", "frequency": "Q", "units": "pc1"}, {"series": "X.USA", "frequency": "A"}]


class Desk(NamedTuple):
    engine: Engine
    client: TestClient
    key: dict[str, str]

    def publish(self, until: str, as_of: date) -> int:
        """Observations until a month, and a run on them."""
        return publish(self.engine, until, as_of)

    def store(self, **stated: Any) -> dict[str, Any]:
        body = {"name": "Truce ends", "report": REPORT} | STATED | stated
        response = self.client.post("/v1/scenarios", json=body, headers=self.key)
        assert response.status_code == 201, response.text
        assert response.headers["location"] == f"/v1/scenarios/{response.json()['scenario']['id']}"
        return dict(response.json())

    def get(self, path: str, **query: Any) -> Any:
        response = self.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()


def publish(engine: Engine, until: str, as_of: date) -> int:
    """Observations until a month, and a run on them."""
    with Session(engine) as session:
        ingest(session, ObservationBatch("PARTNERS", observations(until), backfilled=False), today=as_of)
        session.commit()
    moment = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
    terms: dict[str, Any] = {"config": CONFIG, "engine": engine, "make_executor": here, "clock": lambda: moment}
    outcome = run_forecast(dataset="PARTNERS", as_of=as_of, **terms)
    assert outcome.run_id is not None
    return outcome.run_id


def observations(until: str) -> pd.DataFrame:
    months = pd.period_range("2023-01", until, freq="M").astype(str)
    rows = [
        {"month": month, "flow": "X", "partner": code, "sector": "TOTAL"}
        | {"value": str(round(level * (1 + 0.01 * place * (code != "USA")) * (1 + place % 12 / 50), 1))}
        for code, level in LEVELS.items()
        for place, month in enumerate(months)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def first_desk(server_url: str, template: str) -> tuple[str, str]:
    """The name of a database with the dataset and a run, to be copied; and a key."""
    engine = make_engine(new_database(server_url, "stored", template=template))
    with Session(engine) as session:
        add_codes(session)
        catalog.add_dataset(session, **asdict(DATASET))
        key = api_keys.create(session, name="desk", scopes=["judge"], now=NOW)
        session.commit()
    publish(engine, "2025-12", date(2026, 1, 15))
    engine.dispose()
    return str(engine.url.database), key


@pytest.fixture
def desk(server_url: str, first_desk: tuple[str, str]) -> Iterator[Desk]:
    database, key = first_desk
    with database_copy(server_url, "desk", database) as url:
        engine = make_engine(url)
        with TestClient(create_app(engine=engine, options=options())) as client:
            yield Desk(engine, client, {"Authorization": f"Bearer {key}"})
        engine.dispose()


def test_a_scenario_is_computed_on_new_runs_until_it_is_over_and_then_scored(desk: Desk) -> None:
    stored = desk.store(conditions=[QUARTER])
    number = stored["scenario"]["id"]
    assert (stored["scenario"]["author"], stored["scenario"]["why"]) == ("Desk", "The truce ends")
    assert (stored["scenario"]["ends"], stored["scenario"]["over"]) == ("2026-03", False)
    second = desk.publish("2026-02", date(2026, 3, 10))
    after = desk.get(f"/v1/scenarios/{number}")
    assert (after["run"], after["cutoff"], after["fault"]) == (second, "2026-02", None)
    assert desk.get(f"/v1/scenarios/{number}", run=stored["run"])["results"] == stored["results"]
    desk.publish("2026-03", date(2026, 4, 10))
    last = desk.get(f"/v1/scenarios/{number}")
    assert (last["run"], last["scenario"]["over"]) == (second, True)
    history = desk.get(f"/v1/scenarios/{number}/history")["forecasts"]
    assert [row["run"] for row in history if row["period"] == "2026-Q1"] == [stored["run"], second]
    (score,) = desk.get(f"/v1/scenarios/{number}/scores")["scores"]
    world = observations("2026-03").query("partner == 'WLD'").set_index("month")["value"].astype(float)
    growth = 100 * (world["2026-01":"2026-03"].sum() / world["2025-01":"2025-03"].sum() - 1)
    assert score["actual"] == pytest.approx(growth)
    (forecast,) = (row for row in stored["results"] if row["period"] == "2026-Q1")
    assert score["scenario_error"] == pytest.approx(abs(growth - forecast["scenario"]["median"]))
    assert score["baseline_error"] == pytest.approx(abs(growth - forecast["baseline"]["median"]))


def test_a_scenario_that_a_run_cannot_answer_keeps_the_reason(desk: Desk) -> None:
    low = {"series": "X.USA", "period": "2026", "at_most": 335}
    path = {"series": "X.USA", "period": "2026-01", "values": [30.0]}
    number = desk.store(conditions=[low, path])["scenario"]["id"]
    desk.publish("2026-11", date(2026, 12, 10))
    found = desk.get(f"/v1/scenarios/{number}")
    assert found["results"] == []
    assert "X.USA in 2026" in found["fault"]
    assert found["effective_draws"] is None


def test_a_shock_is_over_when_its_first_month_is_observed(desk: Desk) -> None:
    shock = {"partner": "USA", "start": "2026-02", "size": -20}
    stored = desk.store(shocks=[shock])
    assert stored["scenario"]["ends"] == "2026-02"
    assert stored["scenario"]["statement"]["shocks"][0]["start"] == "2026-02"
    desk.publish("2026-01", date(2026, 2, 10))
    usa = [
        row["scenario"]["median"] / row["baseline"]["median"]
        for row in desk.get(f"/v1/scenarios/{stored['scenario']['id']}")["results"]
        if (row["unique_id"], row["period"]) == ("PARTNERS.X.USA.TOTAL", "2026")
    ]
    assert 0.8 < usa[0] < 0.85


def test_scenarios_are_listed_and_compared(desk: Desk) -> None:
    first = desk.store(conditions=[YEAR])["scenario"]["id"]
    second = desk.store(name="Truce holds", conditions=[YEAR | {"value": 5}])["scenario"]["id"]
    listed = desk.get("/v1/scenarios", dataset="PARTNERS")["scenarios"]
    assert [(entry["id"], entry["name"]) for entry in listed] == [(second, "Truce holds"), (first, "Truce ends")]
    rows = desk.get("/v1/scenarios/comparison", scenario=f"{first},{second}")["forecasts"]
    usa = {row["scenario_id"]: row for row in rows if (row["period"], row["units"]) == ("2026", "lin")}
    assert usa[first]["baseline"] == usa[second]["baseline"]
    assert usa[second]["scenario"]["mean"] == pytest.approx(usa[first]["scenario"]["mean"] * 105 / 90, rel=1e-3)
    table = desk.client.get("/v1/scenarios/comparison", params={"scenario": f"{first},{second}", "format": "csv"})
    assert table.text.startswith("scenario_id,scenario_name,run,as_of,cutoff,unique_id")


def test_storing_needs_the_scope_judge_an_author_and_a_reason(desk: Desk) -> None:
    body = STATED | {"name": "x", "conditions": [YEAR]}
    assert desk.client.post("/v1/scenarios", json=body).status_code == 401
    with Session(desk.engine) as session:
        writer = api_keys.create(session, name="writer", scopes=["write"], now=NOW)
        session.commit()
    assert desk.client.post("/v1/scenarios", json=body, headers={"X-API-Key": writer}).status_code == 403
    anonymous = {name: value for name, value in body.items() if name != "author"}
    response = desk.client.post("/v1/scenarios", json=anonymous, headers=desk.key)
    assert (response.status_code, "author" in response.text) == (422, True)
    assert desk.client.get("/v1/scenarios/99").status_code == 404
    number = desk.store(conditions=[YEAR])["scenario"]["id"]
    missing = desk.client.get(f"/v1/scenarios/{number}", params={"run": 77})
    assert (missing.status_code, "not on run 77" in missing.text) == (404, True)
