"""Effects of events: outcomes less the forecast from before the announcement, of a fold or of an earlier run."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose
from sqlmodel import Session

from api.rest.schemas.event_effects import EffectPage
from forecasting.config import PROBABILITIES
from tests.integration.api.conftest import World, client_of, copy_of
from tests.support.answers import validate
from tests.support.factories import FORECASTERS, LAST, Published, observed, publish_run

PATH = "/v1/datasets/CN_CLEANTECH/events/effects"
DUTY = {
    **{"id": "DUTY", "kind": "tariff", "title": "Duty of 25 %", "announced": "2025-10-10", "effective": "2025-10-20"},
    **{"authority": "a", "reporter": "CHN", "flow": "X", "partner": "USA", "source": "s"},
    **{"rate_before": "0", "rate_after": "25"},
}
SECOND = DUTY | {"id": "SECOND", "announced": "2025-11-01", "effective": "2025-11-05"}
EARLY = DUTY | {"id": "EARLY", "announced": "2023-01-01", "effective": "2023-02-01"}


def build(original: World, server_url: str) -> World:
    world = copy_of(original, server_url)
    with client_of(world) as client:
        sent = client.post("/v1/events", json={"events": [DUTY, SECOND, EARLY]}, headers=world.headers("write"))
        assert sent.status_code == 201, sent.text
    return world


@pytest.fixture(scope="module")
def duty(original: World, server_url: str) -> Iterator[World]:
    """A world with an announcement of October 2025; data to December 2025."""
    world = build(original, server_url)
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def client(duty: World) -> Iterator[TestClient]:
    with client_of(duty) as client:
        yield client


def effects(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(PATH, params={"event": "DUTY", **params})
    assert response.status_code == 200, response.text
    validate(EffectPage, response.json())
    return dict(response.json())


def fold_of(made: Published, unique_id: str, cutoff: np.datetime64) -> tuple[Any, Any]:
    """Means (horizon,) and quantiles (probabilities, horizon) of the combination at a fold."""
    place = (made.row(unique_id), FORECASTERS.index("combination"), list(made.folds["cutoffs"]).index(cutoff))
    return made.folds["means"][place], made.folds["quantiles"][place]


def test_the_effect_is_the_outcome_less_the_forecast_of_the_fold_before(client: TestClient, duty: World) -> None:
    found = effects(client, sector="EV")
    assert found["counterfactual"] == {
        "source": "fold",
        "run": duty.clean.run_id,
        "cutoff": "2025-09",
        "bounds": "added",
    }
    row = found["effects"][0]
    assert (row["unique_id"], row["relation"]) == ("CN_CLEANTECH.X.USA.EV", "scope")
    assert (row["first_month"], row["last_month"]) == ("2025-10", "2025-12")
    means, quantiles = fold_of(duty.clean, row["unique_id"], np.datetime64("2025-09"))
    actual = observed(row["unique_id"])[-3:].sum()
    assert_allclose(row["actual"], actual)
    assert_allclose(row["expected"], means[:3].sum(), rtol=1e-4)
    bounds = quantiles[[PROBABILITIES.index(0.9), PROBABILITIES.index(0.1)], :3].sum(axis=1)
    assert_allclose([row["lo"], row["hi"]], actual - bounds, atol=1e-4 * actual)
    assert_allclose(row["effect_pch"], 100 * (actual / means[:3].sum() - 1), atol=0.01)


def test_the_series_in_scope_is_followed_by_the_world_and_by_where_trade_went(client: TestClient) -> None:
    rows = effects(client, sector="EV")["effects"]
    assert [row["partner"] for row in rows[:2]] == ["USA", "WLD"]
    assert {row["partner"] for row in rows[2:]} == {"DEU", "FRA"}
    assert abs(rows[2]["effect"]) >= abs(rows[3]["effect"])
    assert [row["relation"] for row in rows] == ["scope", "part", None, None]


def test_effects_by_month_add_up_to_the_total(client: TestClient) -> None:
    months = effects(client, sector="EV", partner="USA", by="month")["effects"]
    (total,) = effects(client, sector="EV", partner="USA")["effects"]
    assert [row["first_month"] for row in months] == ["2025-10", "2025-11", "2025-12"]
    for name in ("actual", "expected", "effect", "lo", "hi"):
        assert_allclose(sum(row[name] for row in months), total[name])


def test_other_events_of_the_same_scope_are_named(client: TestClient) -> None:
    assert effects(client, sector="EV")["others"] == ["SECOND"]


def test_an_event_before_every_fold_has_no_counterfactual(client: TestClient) -> None:
    response = client.get(PATH, params={"event": "EARLY", "sector": "EV"})
    assert response.status_code == 422
    assert (response.json()["event"], response.json()["as_of"]) == ("EARLY", "2022-12-31")
    assert "POST /v1/runs" in response.json()["detail"]


def test_what_cannot_be_answered_is_refused(client: TestClient) -> None:
    assert client.get(PATH, params={"event": "NOTHING"}).status_code == 404
    assert client.get(PATH, params={"event": "DUTY", "sector": "EV", "level": 77}).json()["level"] == 77
    other = client.get("/v1/datasets/CN_TRADE/events/effects", params={"event": "DUTY", "flow": "M"})
    assert (other.status_code, other.json()["dataset"]) == (422, "CN_TRADE")


def test_a_run_known_before_the_announcement_gives_intervals_of_sums(original: World, server_url: str) -> None:
    world = build(original, server_url)
    with Session(world.engine) as session:
        before = publish_run(
            session, "CN_CLEANTECH", as_of=date(2025, 10, 5), cutoff=LAST - 4, seed=13, data_hash="f" * 64
        )
        session.commit()
    with client_of(world) as client:
        found = effects(client, sector="EV", partner="USA", run=world.clean.run_id)
    assert found["counterfactual"] == {"source": "run", "run": before.run_id, "cutoff": "2025-08", "bounds": "draws"}
    (row,) = found["effects"]
    sums = before.paths[before.row("CN_CLEANTECH.X.USA.EV")][:, 1:4].astype(float).sum(axis=1)
    actual = observed("CN_CLEANTECH.X.USA.EV")[-3:].sum()
    assert_allclose([row["expected"], row["lo"], row["hi"]], [sums.mean(), *(actual - np.quantile(sums, [0.9, 0.1]))])
    world.engine.dispose()


def test_the_page_shows_the_effect_and_the_calendar(client: TestClient) -> None:
    text = client.get("/events", params={"dataset": "CN_CLEANTECH", "event": "DUTY"}).text
    assert "exports to United States" in text
    chart = client.get(
        "/events", params={"dataset": "CN_CLEANTECH", "event": "DUTY", "section": "effects", "save": "svg"}
    )
    assert "Actual less forecast without the event" in chart.text
    calendar = client.get("/events", params={"dataset": "CN_CLEANTECH", "section": "calendar", "save": "csv"}).text
    assert len(calendar.splitlines()) == 4


def test_a_page_without_an_effect_shows_the_calendar(client: TestClient) -> None:
    response = client.get("/events", params={"dataset": "CN_TRADE"})
    assert response.status_code == 200
    assert "Event calendar" in response.text
