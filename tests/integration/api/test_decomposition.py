"""Components: those that the run stored, and nothing where it stored none."""

import io

import pandas as pd
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose

from api.rest.schemas.forecasts import ComponentPage
from tests.integration.api.conftest import World
from tests.support.answers import validate


def test_components_are_those_of_the_run_with_their_units(client: TestClient, world: World) -> None:
    answer = client.get(f"/v1/runs/{world.clean.run_id}/components", params={"partner": "USA", "sector": "EV"})
    assert answer.status_code == 200, answer.text
    assert "immutable" in answer.headers["cache-control"]
    page = validate(ComponentPage, answer.json())
    (series,) = page["series"]
    assert (page["unit"], page["share_unit"], series["unit"]) == ("USD m", "per cent", "USD m")
    assert [month["forecast"] for month in series["months"]] == [False] * 48 + [True] * 6
    assert (series["months"][0]["month"], series["months"][-1]["month"]) == ("2022-01", "2026-06")
    ahead = [month["month"] for month in series["months"] if month["residual"] is None]
    assert ahead == [f"2026-0{place}" for place in range(1, 7)]


def test_components_are_paged_by_series_and_come_as_csv(client: TestClient, world: World) -> None:
    url = f"/v1/runs/{world.clean.run_id}/components"
    first = client.get(url, params={"limit": 2}).json()
    assert (first["total"], len(first["series"])) == (12, 2)
    assert first["next"] == f"{url}?limit=2&offset=2"
    # The first series has none for its first year.
    by_id = {
        series["unique_id"]: len(series["months"])
        for series in validate(ComponentPage, client.get(url, params={"limit": 100}).json())["series"]
    }
    assert by_id[world.clean.unique_ids[0]] == 42
    table = pd.read_csv(io.StringIO(client.get(url, params={"limit": 2, "format": "csv"}).text))
    assert table["unique_id"].nunique() == 2
    assert_allclose(table["trend"], [month["trend"] for row in first["series"] for month in row["months"]])


def test_a_sum_is_not_taken_apart(client: TestClient, world: World) -> None:
    answer = client.get(f"/v1/runs/{world.clean.run_id}/components", params={"partner": "EU27", "sector": "EV"})
    assert answer.json()["series"][0]["months"] == []
    assert client.get(f"/v1/runs/{world.trade.run_id}/components?flow=B").status_code == 422
    assert client.get(f"/v1/runs/{world.queued}/components").status_code == 409
