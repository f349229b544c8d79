"""Values, quantities and unit values over HTTP, from a run of commodity groups of which one has quantities."""

import io
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
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
from store.models import Dataset
from store.queries import catalog, runs
from store.queries import forecasts as store_forecasts
from tests.conftest import new_database
from tests.integration.api.conftest import options
from tests.support.factories import NOW
from tests.support.scheduler_world import here

AS_OF = date(2026, 1, 15)
URL = "/v1/datasets/COMMODITIES"
DATASET = DatasetDefinition(
    id="COMMODITIES",
    title="Exports by commodity group",
    reporter="CHN",
    currency="CNY",
    unit="CNY bn",
    publisher="A customs office",
    licence="open",
    citation="A customs office",
    release_day=9,
)


def observations() -> pd.DataFrame:
    """Cars at CNY 100,000 each in 2023, 1 % less every month, part of a larger group; toys without quantities."""
    months = pd.period_range("2023-01", "2025-12", freq="M").astype(str)
    rows = []
    for place, month in enumerate(months):
        cars = 500_000 * (1 + 0.02 * place)
        price = 100_000 * 0.99**place
        value = cars * price / 1e9
        levels = {"CARS": value, "CARS_QTY": cars, "MECH_ELEC": 3 * value, "TOYS": 20.0 + place % 12}
        rows += [
            {"month": month, "flow": "X", "partner": "WLD", "sector": sector, "value": str(level)}
            for sector, level in levels.items()
        ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def engine(server_url: str, template: str) -> Iterator[Engine]:
    engine = make_engine(new_database(server_url, "measures", template=template))
    with Session(engine) as session:
        add_codes(session)
        catalog.add_dataset(session, **asdict(DATASET))
        ingest(session, ObservationBatch(DATASET.id, observations(), backfilled=True), today=AS_OF)
        session.commit()
    config = ForecastConfig(horizon=12, folds=3, burn_in=3, draws=200, forecasters=("seasonal_naive", "naive"))
    run_forecast(dataset=DATASET.id, as_of=AS_OF, config=config, engine=engine, make_executor=here, clock=lambda: NOW)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(engine=engine, options=options())) as client:
        yield client


def forecasts(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{URL}/forecasts", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["series"])


def test_without_a_measure_only_values_are_selected(client: TestClient) -> None:
    assert [row["sector"] for row in forecasts(client)] == ["CARS", "MECH_ELEC", "TOYS"]
    assert {row["unit"] for row in forecasts(client)} == {"CNY bn"}


def test_quantities_have_a_unit_of_their_own(client: TestClient) -> None:
    (cars,) = forecasts(client, measure="quantity")
    assert (cars["unique_id"], cars["unit"]) == ("COMMODITIES.X.WLD.CARS_QTY", "vehicles")
    assert 5e5 < cars["months"][0]["mean"] < 1.2e6
    (same,) = forecasts(client, sector="CARS_QTY")
    assert same["months"] == cars["months"]


def test_a_unit_value_is_value_by_quantity_in_money_per_unit(client: TestClient) -> None:
    (cars,) = forecasts(client, measure="unit_value", sector="CARS")
    assert (cars["unique_id"], cars["unit"]) == ("COMMODITIES.X.WLD.CARS_UV", "CNY per vehicle")
    assert [part["sign"] for part in cars["parts"]] == [1, -1]
    assert 5e4 < cars["months"][0]["median"] < 1.1e5


def test_value_and_quantity_are_divided_in_the_same_draw(client: TestClient, engine: Engine) -> None:
    (cars,) = forecasts(client, measure="unit_value", sector="CARS", level=80)
    with Session(engine) as session:
        numbers = {series.sector: series.id for series in catalog.series(session, DATASET.id).rows}
        ids = [numbers["CARS"], numbers["CARS_QTY"]]
        run = runs.latest_published(session, DATASET.id)
        assert run is not None
        values, quantities = store_forecasts.paths(session, run.id, ids)[:, :, 0].astype(float)
    price = 1e9 * values / quantities
    month = cars["months"][0]
    assert month["median"] == pytest.approx(np.median(price), rel=1e-6)
    bounds = [month["intervals"][0]["lo"], month["intervals"][0]["hi"]]
    assert bounds == pytest.approx(np.quantile(price, [0.1, 0.9]).tolist(), rel=1e-6)


def test_growth_of_the_unit_value_of_a_quarter_compares_ratios_of_sums(client: TestClient) -> None:
    (cars,) = forecasts(client, measure="unit_value", sector="CARS", units="pc1", frequency="Q", level=80)
    assert cars["unit"] == "%"
    assert cars["months"][0]["median"] < 0


def test_observed_unit_values_are_ratios_of_observations(client: TestClient) -> None:
    params = {"measure": "unit_value", "start": "2023-01", "end": "2023-02"}
    answer = client.get(f"{URL}/observations", params=params).json()
    assert [row["value"] for row in answer["observations"]] == pytest.approx([100_000, 99_000])
    assert {row["unit"] for row in answer["observations"]} == {"CNY per vehicle"} == {answer["unit"]}


def observed(client: TestClient, **params: str) -> list[dict[str, Any]]:
    answer = client.get(f"{URL}/observations", params={"sector": "CARS"} | params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["observations"])


@pytest.mark.parametrize(("frequency", "months"), [("Q", 3), ("A", 12)])
def test_the_observed_unit_value_of_a_period_is_a_ratio_of_sums(
    client: TestClient, frequency: str, months: int
) -> None:
    rows = observed(client, measure="unit_value", frequency=frequency)
    values, quantities = (observed(client, measure=measure) for measure in ("value", "quantity"))
    sums = [
        np.array([row["value"] for row in part]).reshape(-1, months).sum(axis=1).tolist()
        for part in (values, quantities)
    ]
    expected = [1e9 * value / quantity for value, quantity in zip(*sums, strict=True)]
    assert [row["value"] for row in rows] == pytest.approx(expected)
    assert {row["unit"] for row in rows} == {"CNY per vehicle"}


def test_observed_growth_of_the_unit_value_is_that_of_prices(client: TestClient) -> None:
    rows = observed(client, measure="unit_value", units="pc1", start="2024-01")
    assert [row["value"] for row in rows] == pytest.approx([100 * (0.99**12 - 1)] * 24)
    assert {row["unit"] for row in rows} == {"%"}
    years = observed(client, measure="unit_value", units="pch", frequency="A")
    assert years[0]["value"] is None
    assert "2022-01 is not observed" in years[0]["reason"]
    assert -13 < years[1]["value"] < -10


def test_the_adjusted_unit_value_is_the_ratio_of_adjusted_observations(client: TestClient) -> None:
    rows, values, quantities = (
        observed(client, measure=measure, adjusted="seasonal") for measure in ("unit_value", "value", "quantity")
    )
    ratios = [1e9 * value["value"] / quantity["value"] for value, quantity in zip(values, quantities, strict=True)]
    assert [row["value"] for row in rows] == pytest.approx(ratios)


def test_the_history_beside_forecasts_has_unit_values(client: TestClient) -> None:
    (cars,) = forecasts(client, measure="unit_value", sector="CARS", frequency="A", units="pc1", include="history")
    rows = observed(client, measure="unit_value", frequency="A", units="pc1")
    assert [row["value"] for row in cars["history"]] == [row["value"] for row in rows]


def test_the_probability_of_a_fall_in_price(client: TestClient) -> None:
    params = {"sector": "CARS", "measure": "unit_value", "period": "2026", "units": "pc1", "below": 0}
    answer = client.get(f"{URL}/forecasts/probability", params=params).json()
    assert answer["unit"] == "%"
    assert answer["probability"] > 0.5


@pytest.mark.parametrize(
    ("params", "status"),
    [({"measure": "quantity", "sector": "TOYS"}, 404), ({"measure": "quantity", "units": "share"}, 422)],
)
def test_a_measure_that_is_not_there_is_refused(client: TestClient, params: dict[str, str], status: int) -> None:
    assert client.get(f"{URL}/forecasts", params=params).status_code == status
    assert client.get(f"{URL}/observations", params=params).status_code == status


def test_sectors_say_what_contains_them(client: TestClient) -> None:
    rows = {row["code"]: row for row in client.get("/v1/sectors", params={"q": "commodity"}).json()["sectors"]}
    assert rows["CARS"]["contained_in"] == "MECH_ELEC"
    assert (rows["CARS_QTY"]["quantity_of"], rows["CARS_QTY"]["unit"]) == ("CARS", "vehicles")


def test_the_page_of_a_quantity_names_its_unit(client: TestClient) -> None:
    page = client.get("/series/COMMODITIES/X/WLD/CARS_QTY")
    assert page.status_code == 200
    assert "vehicles" in page.text


def test_commodities_that_overlap_have_changes_and_no_contributions(client: TestClient) -> None:
    answer = client.get(f"{URL}/forecasts/contributions", params={"by": "sector", "period": "2025", "level": 80})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["whole"], found["adds_up"], found["level"]) == (None, False, None)
    rows = {row["code"]: row for row in found["contributions"]}
    assert {code: row["within"] for code, row in rows.items()} == {"CARS": "MECH_ELEC", "MECH_ELEC": None, "TOYS": None}
    assert rows["MECH_ELEC"]["change"]["mean"] == pytest.approx(3 * rows["CARS"]["change"]["mean"], rel=1e-6)
    assert rows["CARS"]["contribution"]["mean"] is None


def test_groups_that_overlap_have_no_concentration(client: TestClient) -> None:
    answer = client.get(f"{URL}/forecasts/concentration", params={"over": "sector"})
    assert answer.status_code == 422
    assert "overlap" in answer.json()["detail"]
    page = client.get("/concentration?dataset=COMMODITIES&over=sector")
    assert page.status_code == 200
    assert "overlap" in page.text


def test_the_page_of_commodities_tells_volumes_from_prices(client: TestClient) -> None:
    page = client.get("/partners?dataset=COMMODITIES&by=sector")
    assert page.status_code == 200
    assert "Unit value, observed" in page.text
    saved = client.get("/partners?dataset=COMMODITIES&by=sector&section=contributions&save=csv")
    table = pd.read_csv(io.BytesIO(saved.content)).set_index("label")
    cars = table[table.index.str.contains("Motor vehicles")].iloc[0].to_dict()
    assert -12.5 < cars["price_observed"] < -10.5
    assert cars["volume_observed"] > 10
    together = (1 + cars["price_observed"] / 100) * (1 + cars["volume_observed"] / 100)
    assert 100 * (together - 1) == pytest.approx(cars["observed_growth"], abs=1e-6)
    assert table["volume_observed"].isna()["Toys"]


PAGES = (
    "/",
    "/partners",
    "/concentration",
    "/backtest",
    "/heatmap",
    "/ask",
    "/series/COMMODITIES/X/WLD/CARS",
    "/runs/1",
)


@pytest.mark.parametrize("url", PAGES)
def test_every_page_of_a_short_dataset_says_so(client: TestClient, engine: Engine, url: str) -> None:
    address = url if url in ("/", "/runs/1") or url.startswith("/series") else f"{url}?dataset=COMMODITIES"
    assert "Short history" not in client.get(address).text
    with Session(engine) as session:
        session.execute(sa.update(Dataset).values(borrows_history=DATASET.id))
        session.commit()
        assert "Short history: the dataset has 36 months" in client.get(address).text
        session.execute(sa.update(Dataset).values(borrows_history=None))
        session.commit()
