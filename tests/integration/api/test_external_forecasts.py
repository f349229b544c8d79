"""Forecasts from outside over HTTP: sent, refused, and shown beside ours."""

import io
from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose
from sqlmodel import Session

from api.rest.schemas.external_forecasts import ExternalAppendedAnswer, ExternalForecastPage, ExternalModelPage
from jobs.runs.scoring import score_published
from store.models import Observation
from store.queries.hubverse_format import COLUMNS
from tests.integration.api.conftest import World, client_of, copy_of
from tests.support.answers import validate

OUTSIDE = "/v1/datasets/CN_TRADE/external-forecasts"
JANUARY = ("poll", "2026-01-20", "X TOTAL", 0, "WLD", "2026-01-31")
FEBRUARY = ("poll", "2026-01-20", "X TOTAL", 1, "WLD", "2026-02-28")
STATEMENTS = [(*JANUARY, "quantile", 0.25, 80.0), (*JANUARY, "quantile", 0.75, 110.0), (*FEBRUARY, "mean", "NA", 99.0)]


def send(client: TestClient, world: World, rows: list[tuple[Any, ...]], **headers: str) -> Any:
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    sent = {"Content-Type": "text/csv", **world.headers("write"), **headers}
    return client.post(OUTSIDE, content="\n".join(lines), headers=sent)


@pytest.fixture(scope="module")
def polled(original: World, server_url: str) -> Iterator[World]:
    """A world that was sent two forecasts of exports, one of which has come."""
    world = copy_of(original, server_url)
    with client_of(world) as client:
        assert send(client, world, STATEMENTS).json()["inserted"] == 3
    exports = int(world.trade.series_ids[world.trade.row("CN_TRADE.X.WLD.TOTAL")])
    observed = {"series_id": exports, "month": date(2026, 1, 1), "vintage": date(2026, 2, 9), "value": 95.0}
    with Session(world.engine) as session:
        session.execute(sa.insert(Observation).values(months=1, status="A", backfilled=False, **observed))
        score_published(session, "CN_TRADE")
        session.commit()
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def client(polled: World) -> Iterator[TestClient]:
    with client_of(polled) as client:
        yield client


def answer(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(OUTSIDE, params=params)
    assert response.status_code == 200, response.text
    validate(ExternalForecastPage, response.json())
    return dict(response.json())


def test_both_forecasts_of_a_target_stand_side_by_side(client: TestClient, polled: World) -> None:
    scored, waiting = answer(client)["external_forecasts"]
    assert (scored["month"], scored["run"], scored["step"]) == ("2026-01", polled.trade.run_id, 1)
    assert (scored["point"], scored["quantiles"], scored["unit"]) == (None, 2, "USD bn")
    assert_allclose(scored["first_wis"], 2 * (0.25 * 15 + 0.25 * 15) / 2)
    assert_allclose(scored["tradewind_first_error"], abs(95.0 - scored["tradewind_point"]))
    assert (waiting["month"], waiting["run"], waiting["first_wis"]) == ("2026-02", None, None)


def test_model_month_and_state_narrow_it(client: TestClient) -> None:
    assert answer(client, scored=True)["total"] == 1
    assert answer(client, scored=False, model="poll", start="2026-02", end="2026-02")["total"] == 1
    assert answer(client, model="ministry")["external_forecasts"] == []
    assert answer(client, flow="M")["total"] == 0


def test_models_are_listed_with_their_scores_beside_ours(client: TestClient) -> None:
    found = client.get(f"{OUTSIDE}/models").json()
    validate(ExternalModelPage, found)
    (poll,) = found["models"]
    (scored,) = answer(client, scored=True)["external_forecasts"]
    assert (poll["model_id"], poll["n"], poll["points"]) == ("poll", 1, 0)
    assert (poll["mae"], poll["tradewind_mae"]) == (None, None)
    assert (poll["wis"], poll["tradewind_wis"]) == (scored["first_wis"], scored["tradewind_first_wis"])


def test_both_lists_come_as_csv(client: TestClient) -> None:
    rows = pd.read_csv(io.StringIO(client.get(OUTSIDE, params={"format": "csv"}).text))
    assert rows["first_wis"].notna().tolist() == [True, False]
    models = pd.read_csv(io.StringIO(client.get(f"{OUTSIDE}/models", headers={"Accept": "text/csv"}).text))
    assert models["model_id"].tolist() == ["poll"]


def test_sending_twice_is_harmless_and_another_value_is_refused(client: TestClient, polled: World) -> None:
    again = send(client, polled, STATEMENTS)
    assert (again.status_code, again.json()["inserted"], again.json()["unchanged"]) == (201, 0, 3)
    validate(ExternalAppendedAnswer, again.json())
    refused = send(client, polled, [(*FEBRUARY, "mean", "NA", 98.0)])
    assert refused.status_code == 422
    assert refused.json()["faults"][0]["reason"] == "was stated with another value before"


def test_json_is_taken_too_and_its_faults_are_named(client: TestClient, polled: World) -> None:
    row = dict(zip(COLUMNS, (*JANUARY, "median", None, 101.0), strict=True))
    headers = polled.headers("write")
    bad = client.post(OUTSIDE, json={"forecasts": [row | {"horizon": 4}]}, headers=headers)
    assert (bad.status_code, bad.json()["faults"][0]["column"]) == (422, "horizon")
    assert answer(client)["total"] == 2
    unknown = client.post("/v1/datasets/NONE/external-forecasts", json={"forecasts": [row]}, headers=headers)
    assert unknown.status_code == 404


def test_writing_needs_a_key_that_may(client: TestClient, polled: World) -> None:
    assert client.post(OUTSIDE, json={}).status_code == 401
    assert send(client, polled, STATEMENTS, **polled.headers("read")).status_code == 403
