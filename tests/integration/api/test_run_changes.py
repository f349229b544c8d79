"""What changed between two runs, over HTTP."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose
from sqlmodel import Session

from api.rest.schemas.runs import ChangePage
from store.queries import run_changes
from tests.integration.api.conftest import World, client_of, copy_of
from tests.support.answers import validate


@pytest.fixture(scope="module")
def compared(original: World, server_url: str) -> Iterator[World]:
    """A world with attributed changes between its two runs of one dataset."""
    world = copy_of(original, server_url)
    later, earlier = world.trade, world.earlier
    moved = later.mean[:, :3] - earlier.mean
    with Session(world.engine) as session:
        run_changes.write(
            session,
            later.run_id,
            earlier.run_id,
            series_ids=later.series_ids.tolist(),
            months=earlier.months,
            new_figures=0.5 * moved,
            revised_figures=np.zeros_like(moved),
            indicators=0.0 * moved,
            published_total=0.2 * moved,
            reestimation=0.3 * moved,
        )
        session.commit()
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def client(compared: World) -> Iterator[TestClient]:
    with client_of(compared) as client:
        yield client


def url(world: World) -> str:
    return f"/v1/runs/{world.trade.run_id}/changes"


def answer(client: TestClient, address: str, **params: Any) -> dict[str, Any]:
    response = client.get(address, params=params)
    assert response.status_code == 200, response.text
    validate(ChangePage, response.json())
    return dict(response.json())


def test_each_change_stands_beside_its_parts(client: TestClient, compared: World) -> None:
    found = answer(client, url(compared))
    assert (found["run"], found["against"], found["total"]) == (compared.trade.run_id, compared.earlier.run_id, 6)
    for row in found["changes"]:
        series, place = compared.trade.row(row["unique_id"]), row["step"] - 1
        assert_allclose(
            [row["before"], row["after"]], [run.mean[series, place] for run in (compared.earlier, compared.trade)]
        )
        assert_allclose(
            row["new_observations"]
            + row["revised_observations"]
            + row["indicators"]
            + row["published_total"]
            + row["reestimation"],
            row["change"],
        )
        assert row["unit"] == "USD bn"


def test_series_and_horizon_narrow_it(client: TestClient, compared: World) -> None:
    found = answer(client, url(compared), flow="M", horizon=2)["changes"]
    assert [(row["unique_id"], row["month"]) for row in found] == [
        ("CN_TRADE.M.WLD.TOTAL", "2026-01"),
        ("CN_TRADE.M.WLD.TOTAL", "2026-02"),
    ]
    assert answer(client, url(compared), against=compared.earlier.run_id)["total"] == 6


def test_it_comes_as_csv_and_in_pages(client: TestClient, compared: World) -> None:
    rows = pd.read_csv(io.StringIO(client.get(url(compared), params={"format": "csv"}).text))
    assert_allclose(rows["change"], [row["change"] for row in answer(client, url(compared))["changes"]])
    first = answer(client, url(compared), limit=4)
    assert len(client.get(first["next"]).json()["changes"]) == 2


def test_a_comparison_nobody_made_is_named_with_the_command_that_makes_it(client: TestClient, compared: World) -> None:
    response = client.get(url(compared), params={"against": compared.clean.run_id})
    assert response.status_code == 404
    problem = response.json()
    assert problem["type"].endswith("changes-not-kept")
    assert f"tradewind changes {compared.trade.run_id} --against {compared.clean.run_id}" in problem["detail"]
    assert client.get(f"/v1/runs/{compared.queued}/changes").status_code == 409
    assert client.get("/v1/runs/999/changes").status_code == 404
