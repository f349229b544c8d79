"""Contributions to growth over HTTP, from a run of a small hierarchy with a published group and remainders."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

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
from sources.observation_batch import DatasetDefinition, ObservationBatch
from store.database import make_engine
from store.queries import catalog
from tests.conftest import new_database
from tests.integration.api.conftest import options
from tests.support.factories import NOW
from tests.support.scheduler_world import here

# The fixtures serve several modules, each with a database of its own.
AS_OF = date(2026, 1, 15)
URL = "/v1/datasets/PARTNERS/forecasts/contributions"
DATASET = DatasetDefinition(
    id="PARTNERS",
    title="Trade by partner",
    reporter="CHN",
    currency="USD",
    unit="USD bn",
    publisher="A customs office",
    licence="open",
    citation="A customs office",
    release_day=9,
    derives_rest=True,
)
LEVELS = {"WLD": 100.0, "EU27": 40.0, "DEU": 20.0, "FRA": 12.0, "USA": 30.0}


def observations() -> pd.DataFrame:
    months = pd.period_range("2023-01", "2025-12", freq="M").astype(str)
    rows = [
        {"month": month, "flow": "X", "partner": code, "sector": "TOTAL"}
        | {"value": str(round(level * (1 + 0.01 * place * (code != "USA")) * (1 + place % 12 / 50), 1))}
        for code, level in LEVELS.items()
        for place, month in enumerate(months)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def engine(server_url: str, template: str) -> Iterator[Engine]:
    engine = make_engine(new_database(server_url, "contributions", template=template))
    with Session(engine) as session:
        add_codes(session)
        catalog.add_dataset(session, **asdict(DATASET))
        ingest(session, ObservationBatch("PARTNERS", observations(), backfilled=True), today=AS_OF)
        session.commit()
    config = ForecastConfig(horizon=14, folds=3, burn_in=3, draws=200, forecasters=("seasonal_naive", "naive"))
    run_forecast(dataset="PARTNERS", as_of=AS_OF, config=config, engine=engine, make_executor=here, clock=lambda: NOW)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(engine=engine, options=options())) as client:
        yield client


def rows(answer: dict[str, Any], *, top: bool) -> list[dict[str, Any]]:
    return [row for row in answer["contributions"] if (row["within"] is None) == top]


@pytest.mark.parametrize("period", [None, "2025", "2026", "2025-07/2026-06"])
def test_contributions_sum_to_the_growth_of_the_whole(client: TestClient, period: str | None) -> None:
    answer = client.get(URL, params={"period": period} if period else {}).json()
    total = sum(row["contribution"]["mean"] for row in rows(answer, top=True))
    assert total == pytest.approx(answer["growth"]["mean"], abs=1e-4)
    assert sum(row["share"] for row in rows(answer, top=True)) == pytest.approx(100, abs=1e-3)


def test_members_and_remainder_sum_to_their_group(client: TestClient) -> None:
    answer = client.get(URL).json()
    (group,) = (row for row in answer["contributions"] if row["code"] == "EU27")
    members = rows(answer, top=False)
    assert {row["code"] for row in members} == {"DEU", "FRA", "EU27_REST"}
    assert {row["within"] for row in members} == {"EU27"}
    changes = [row["change"]["mean"] for row in members]
    assert sum(changes) == pytest.approx(group["change"]["mean"], rel=1e-4)
    for row in members:
        split = row["at_whole_rate"] + row["mix"] + row["own"]
        assert split == pytest.approx(row["change"]["mean"], abs=1e-6)


def test_observed_periods_have_intervals_of_no_width(client: TestClient) -> None:
    answer = client.get(URL, params={"period": "2025", "level": 80}).json()
    assert answer["months_observed"] == 12
    for row in answer["contributions"]:
        (interval,) = row["contribution"]["intervals"]
        assert interval["lo"] == pytest.approx(interval["hi"])


def test_the_partner_that_lost_share_has_a_negative_own_change(client: TestClient) -> None:
    answer = client.get(URL, params={"period": "2025"}).json()
    own = {row["code"]: row["own"] for row in answer["contributions"]}
    assert own["USA"] < 0
    assert sum(row["own"] for row in rows(answer, top=True)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"period": "2030"}, "period-beyond-run"),
        ({"period": "2025", "from": "2026"}, "nothing-to-compare"),
        ({"period": "2025", "from": "2024-01"}, "nothing-to-compare"),
        ({"by": "sector"}, "nothing-to-concentrate"),
        ({"by": "partner", "partner": "USA"}, "invalid-request"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(client: TestClient, params: dict[str, str], problem: str) -> None:
    answer = client.get(URL, params=params)
    assert answer.status_code in (404, 422)
    assert answer.json()["type"].endswith(problem)


def test_csv_has_a_row_for_each_part_and_level(client: TestClient) -> None:
    answer = client.get(URL, params={"format": "csv", "level": "50,80"})
    lines = answer.text.splitlines()
    assert lines[0].startswith("code,name,within,level,base,share")
    assert len(lines) == 1 + 2 * 6
