import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import create_app
from api.rest.schemas import indicators as schemas
from tests.integration.api.conftest import options
from tests.support.answers import validate


@pytest.fixture(scope="module")
def client(bundled_engine: Engine) -> Iterator[TestClient]:
    """The application over the bundled figures."""
    with TestClient(create_app(engine=bundled_engine, options=options())) as client:
        yield client


def get(client: TestClient, url: str, shape: type[Any], **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params)
    assert response.status_code == 200, response.text
    validate(shape, response.json())
    return dict(response.json())


def test_indicators_are_listed_with_publisher_and_rule(client: TestClient) -> None:
    found = get(client, "/v1/indicators", schemas.IndicatorPage)
    korea = next(row for row in found["indicators"] if row["id"] == "KR_EXPORTS")
    assert (korea["unit"], korea["lag_days"], korea["last_month"]) == ("USD bn", 1, "2026-07")
    assert "CC BY 4.0" in korea["licence"]


def test_observations_of_an_indicator_are_those_known_on_the_day(client: TestClient) -> None:
    url = "/v1/indicators/KR_EXPORTS/observations"
    found = get(client, url, schemas.IndicatorValuePage, start="2026-06", as_of="2026-08-01")
    assert [(row["month"], row["value"]) for row in found["observations"]] == [
        ("2026-06", 101.95616),
        ("2026-07", 98.89),
    ]
    assert found["unit"] == "USD bn"
    earlier = get(client, url, schemas.IndicatorValuePage, start="2026-06", as_of="2026-07-31")
    assert [row["month"] for row in earlier["observations"]] == ["2026-06"]


def test_indicators_come_as_csv(client: TestClient) -> None:
    response = client.get("/v1/indicators/CN_PMI/observations", params={"format": "csv", "limit": 10_000})
    rows = pd.read_csv(io.StringIO(response.text))
    assert len(rows) == int(response.headers["x-total-count"]) == 259


def test_an_unknown_indicator_is_not_found(client: TestClient) -> None:
    response = client.get("/v1/indicators/NOTHING/observations")
    assert (response.status_code, response.json()["indicator"]) == (404, "NOTHING")
