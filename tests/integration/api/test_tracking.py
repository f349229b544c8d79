"""Tracking over HTTP: forecasts, actuals and drift."""

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

from api.rest.schemas.tracking import TrackedSeriesPage, TrackingPage
from jobs.runs.scoring import score_published
from store.models import Observation
from tests.integration.api.conftest import World, client_of, copy_of
from tests.support.answers import validate

TRACKING = "/v1/datasets/CN_TRADE/tracking"
SERIES = f"{TRACKING}/series"
ACTUALS = {"CN_TRADE.X.WLD.TOTAL": 101.5, "CN_TRADE.M.WLD.TOTAL": 900.0}
MONTHS = [date(2026, month, 1) for month in (1, 2, 3, 4, 5)]


@pytest.fixture(scope="module")
def tracked(original: World, server_url: str) -> Iterator[World]:
    """A world with five months observed after its runs: exports near their forecasts, imports far from them."""
    world = copy_of(original, server_url)
    ids = dict(zip(world.trade.unique_ids, world.trade.series_ids.tolist(), strict=True))
    rows = [
        {"series_id": ids[uid], "month": month, "vintage": month.replace(month=month.month + 1, day=9), "value": value}
        for uid, value in ACTUALS.items()
        for month in MONTHS
    ]
    with Session(world.engine) as session:
        session.execute(sa.insert(Observation).values(months=1, status="A", backfilled=False), rows)
        score_published(session, "CN_TRADE")
        session.commit()
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def client(tracked: World) -> Iterator[TestClient]:
    with client_of(tracked) as client:
        yield client


def answer(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(TRACKING, params=params)
    assert response.status_code == 200, response.text
    validate(TrackingPage, response.json())
    return dict(response.json())


def test_every_step_of_every_run_is_compared_with_the_actual(client: TestClient, tracked: World) -> None:
    found = answer(client)
    # Two series; the later run has five months behind it, the earlier one forecast three.
    assert found["total"] == 2 * (5 + 3)
    for row in found["tracking"]:
        run = tracked.trade if row["run"] == tracked.trade.run_id else tracked.earlier
        expected = run.mean[run.row(row["unique_id"]), row["step"] - 1]
        assert_allclose(row["mean"], expected)
        assert_allclose(row["first_error"], ACTUALS[row["unique_id"]] - expected)
        assert (row["first_print"], row["latest"]) == (ACTUALS[row["unique_id"]],) * 2
        assert (row["unit"], row["live"], row["months"]) == ("USD bn", True, 1)


def test_the_interval_that_held_it_is_named(client: TestClient) -> None:
    imports = answer(client, flow="M")["tracking"]
    assert {row["first_level"] for row in imports} == {None}
    exports = answer(client, flow="X", run=1)["tracking"]
    assert {row["first_level"] for row in exports} <= {50.0, 80.0, 90.0, 95.0, None}
    assert any(row["first_level"] for row in exports)


def test_what_was_promised_is_the_run_s_own_score(client: TestClient, tracked: World) -> None:
    scores = pd.DataFrame(tracked.trade.scores)
    for row in answer(client, run=tracked.trade.run_id)["tracking"]:
        mine = scores[
            (scores["series_id"] == tracked.trade.series_ids[tracked.trade.row(row["unique_id"])])
            & (scores["forecaster"] == "combination")
            & (scores["step"] == row["step"])
        ]
        assert_allclose(row["backtest_mae"], mine.loc[mine["metric"] == "mae", "value"].item(), rtol=3e-5)
        covered = mine[(mine["metric"] == "coverage") & (mine["level"] == 80)]
        assert_allclose(row["backtest_coverage"], covered["value"].item(), rtol=3e-5)


def test_of_two_runs_that_forecast_a_month_at_one_step_the_later_knowledge_rolls(
    client: TestClient, tracked: World
) -> None:
    first = answer(client, step=1, flow="X")["tracking"]
    assert [row["run"] for row in first] == [tracked.earlier.run_id, tracked.trade.run_id]
    assert first[0]["rolling"] is None
    assert first[1]["rolling"]["n"] == 1
    assert_allclose(first[1]["rolling"]["mae"], abs(first[1]["first_error"]))


def test_months_steps_and_runs_narrow_it(client: TestClient, tracked: World) -> None:
    found = answer(client, start="2026-02", end="2026-03", run=tracked.trade.run_id, flow="X")["tracking"]
    assert [(row["month"], row["step"]) for row in found] == [("2026-02", 2), ("2026-03", 3)]
    assert answer(client, live=False)["tracking"] == []
    assert answer(client, offset=500)["total"] == 16


def test_a_series_that_drifts_is_flagged(client: TestClient) -> None:
    found = client.get(SERIES).json()
    validate(TrackedSeriesPage, found)
    assert found["series_drifting"] == 2
    exports, imports = sorted(found["series"], key=lambda row: row["mae"])
    assert imports["unique_id"] == "CN_TRADE.M.WLD.TOTAL"
    assert (imports["n"], imports["month"], imports["coverage"]) == (5, "2026-05", 0.0)
    # The synthetic scores promise less than any error there is.
    assert exports["drifts"]
    assert exports["backtest_mae"] < 1
    none = client.get(SERIES, params={"drifts": False}).json()
    assert (none["series"], none["series_drifting"]) == ([], 2)


def test_it_comes_as_csv_with_the_same_figures(client: TestClient) -> None:
    rows = pd.read_csv(io.StringIO(client.get(TRACKING, params={"format": "csv"}).text))
    found = answer(client)["tracking"]
    assert_allclose(rows["first_error"], [row["first_error"] for row in found])
    assert list(rows["rolling_n"].dropna()) == [row["rolling"]["n"] for row in found if row["rolling"]]
    records = pd.read_csv(io.StringIO(client.get(SERIES, params={"format": "csv"}).text))
    assert list(records["unique_id"]) == [row["unique_id"] for row in client.get(SERIES).json()["series"]]


def test_pages_follow_one_another(client: TestClient) -> None:
    first = answer(client, limit=9)
    second = client.get(first["next"]).json()
    assert len(first["tracking"]) + len(second["tracking"]) == first["total"] == 16
    assert second["next"] is None


@pytest.mark.parametrize(
    ("params", "status"), [({"flow": "B"}, 422), ({"partner": "DEU"}, 404), ({"stepp": 1}, 422), ({"step": 0}, 422)]
)
def test_what_cannot_be_answered_is_refused(client: TestClient, params: dict[str, Any], status: int) -> None:
    assert client.get(TRACKING, params=params).status_code == status
    assert client.get("/v1/datasets/NONE/tracking").status_code == 404
