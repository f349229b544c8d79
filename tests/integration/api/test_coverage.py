"""How answers of a kind did on the folds: certificates, and the backtest by kind and group with its PIT."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose

from api.rest.schemas.backtests import BacktestPage
from api.rest.schemas.concentration import ConcentrationAnswer
from api.rest.schemas.forecasts import ForecastPage, ProbabilityAnswer
from tests.integration.api.conftest import World
from tests.support.answers import validate
from tests.support.factories import Published
from tests.support.half_year_world import Half, Halves, halves_of

EV = {"sector": "EV", "frequency": "A"}


@pytest.fixture(scope="module")
def halves(original: World, server_url: str) -> Iterator[Halves]:
    with halves_of(original, server_url) as halves:
        yield halves


def answer_coverage(halves: Halves, half: Half, **params: Any) -> dict[str, Any]:
    url = f"/v1/datasets/{half.run.dataset}/forecasts"
    response = halves.client.get(url, params={"run": half.run.run_id, "coverage": True, **params})
    assert response.status_code == 200, response.text
    validate(ForecastPage, response.json())
    return dict(response.json()["coverage"])


def places(run: Published, *partners: str) -> list[int]:
    """Which series of EV are which, counted from one: each has that many forecasts scored at step 5."""
    return [run.row(f"CN_CLEANTECH.X.{partner}.EV") + 1 for partner in partners]


def test_coverage_pools_every_forecast_of_the_series_asked(halves: Halves) -> None:
    found = answer_coverage(halves, halves.clean, partner="USA,DEU", level=80, **EV)
    entry, other = places(halves.clean.run, "USA", "DEU")
    rows = {row["step"]: row for row in found["coverage"]}
    assert set(rows) == {None, 5, 17}
    share = (entry * (0.8 - 0.01 * entry) + other * (0.8 - 0.01 * other)) / (entry + other)
    assert_allclose([row["coverage"] for row in rows.values()], share)
    assert (rows[None]["n"], rows[5]["n"], rows[17]["n"]) == tuple((entry + other) * times for times in (3, 1, 2))
    assert (found["kind"], found["series"], found["of_parts"]) == ("year", 2, False)
    assert found["folds"]["number"] == 4


def test_the_sampling_error_counts_forecasts_or_only_periods(halves: Halves) -> None:
    """Two series with `one` and `other` forecasts at step 5, and twice as many at step 17: so many periods each."""
    rows = answer_coverage(halves, halves.clean, partner="USA,DEU", level=80, **EV)["coverage"]
    entry, other = places(halves.clean.run, "USA", "DEU")
    times = {None: (3, 2), 5: (1, 1), 17: (2, 2)}
    for row in rows:
        forecasts, periods = times[row["step"]]
        counted = {
            "standard_error": forecasts * (entry + other),
            "standard_error_by_period": round(periods * (entry + other) / 2),
        }
        for reported, n in counted.items():
            share = (row["coverage"] * n + 2) / (n + 4)
            assert row[reported] == pytest.approx(math.sqrt(share * (1 - share) / (n + 4)))


def test_a_level_that_is_not_stored_is_reported_by_those_about_it(halves: Halves) -> None:
    found = answer_coverage(halves, halves.clean, partner="USA", level="30,66,80,99", **EV)
    assert [(entry["level"], entry["stored"]) for entry in found["levels"]] == [
        (30, [50]),
        (66, [50, 80]),
        (80, [80]),
        (99, [95]),
    ]
    assert {row["level"] for row in found["coverage"]} == {50, 80, 95}


def test_steps_beyond_the_horizon_asked_are_left_out(halves: Halves) -> None:
    found = answer_coverage(halves, halves.clean, partner="USA", horizon=6, **EV)
    assert {row["step"] for row in found["coverage"]} == {None, 5}


def test_a_single_group_has_its_own_coverage(halves: Halves) -> None:
    found = answer_coverage(halves, halves.clean, partner="EU27", level=80, **EV)
    assert (found["series"], found["of_parts"]) == (1, False)


def test_several_groups_have_the_coverage_of_their_members(halves: Halves) -> None:
    found = answer_coverage(halves, halves.clean, partner="EU27,USA", level=80, **EV)
    assert (found["series"], found["of_parts"]) == (3, True)
    assert found["coverage"][0]["n"] == 3 * sum(places(halves.clean.run, "DEU", "FRA", "USA"))


@pytest.mark.parametrize(
    ("params", "kind", "scored"),
    [
        ({}, "month", True),
        ({"units": "log"}, "month", True),
        ({"frequency": "Q"}, "quarter", False),
        ({"units": "pc1"}, "month_growth", False),
        ({"frequency": "Q", "units": "ch1"}, "quarter_growth", False),
        ({"frequency": "JF", "units": "pc1"}, "jan_feb_growth", False),
        ({"frequency": "A", "units": "pch"}, "year_growth", False),
        ({"frequency": "JF"}, "jan_feb", False),
        ({"units": "pch"}, None, False),
        ({"frequency": "YTD"}, None, False),
        ({"units": "share"}, None, False),
    ],
)
def test_the_kind_is_that_of_the_answer_and_what_is_not_scored_says_so(
    halves: Halves, params: dict[str, str], kind: str | None, scored: bool
) -> None:
    found = answer_coverage(halves, halves.trade, flow="X", **params)
    assert found["kind"] == kind
    assert bool(found["coverage"]) == scored
    assert (found["reason"] is None) == scored
    assert kind or "not scored" in found["reason"]


def test_a_chance_carries_the_coverage_of_its_period_and_step(halves: Halves) -> None:
    parameters = {"flow": "X", "period": "2026", "above": 0, "coverage": True, "run": halves.trade.run.run_id}
    found = halves.client.get("/v1/datasets/CN_TRADE/forecasts/probability", params=parameters).json()
    validate(ProbabilityAnswer, found)
    assert found["coverage"]["kind"] == "year"
    assert {row["step"] for row in found["coverage"]["coverage"]} == {None, 17}


def test_concentration_says_that_it_is_not_scored(halves: Halves) -> None:
    parameters = {"over": "partner", "coverage": True, "run": halves.clean.run.run_id}
    found = halves.client.get("/v1/datasets/CN_CLEANTECH/forecasts/concentration", params=parameters).json()
    validate(ConcentrationAnswer, found)
    assert found["coverage"]["kind"] is None


def backtest(client: TestClient, half: Half, **params: Any) -> dict[str, Any]:
    url = f"/v1/datasets/{half.run.dataset}/backtests"
    response = client.get(url, params={"run": half.run.run_id, **params})
    assert response.status_code == 200, response.text
    validate(BacktestPage, response.json())
    return dict(response.json())


def test_the_backtest_counts_its_pit_in_ten_bins(halves: Halves) -> None:
    found = backtest(halves.client, halves.clean, kind="year", partner="USA,DEU", sector="EV")
    weight = sum(places(halves.clean.run, "USA", "DEU"))
    assert [entry["lo"] for entry in found["pit"]] == [10.0 * edge for edge in range(10)]
    assert [entry["hi"] for entry in found["pit"]] == [10.0 * edge for edge in range(1, 11)]
    assert [entry["count"] for entry in found["pit"]] == [edge * weight for edge in range(10)]
    assert sum(entry["share"] for entry in found["pit"]) == pytest.approx(1.0)


@pytest.mark.parametrize("by", ["step", "forecaster", "series"])
def test_the_pit_is_no_score_and_null_where_none_is_stored(halves: Halves, by: str) -> None:
    found = backtest(halves.client, halves.trade, kind="year", by=by)
    assert {score["metric"] for score in found["scores"]} == {"coverage"}
    assert backtest(halves.client, halves.trade, by=by)["pit"] is None


@pytest.mark.parametrize(
    ("group", "wanted"),
    [
        ("total", {"WLD.TOTAL"}),
        ("sector", {"WLD.EV", "WLD.BATTERIES"}),
        ("partner", {"USA.TOTAL", "DEU.TOTAL", "FRA.TOTAL"}),
        ("part", {f"{partner}.{sector}" for partner in ("USA", "DEU", "FRA") for sector in ("EV", "BATTERIES")}),
    ],
)
def test_the_backtest_is_of_one_group_of_series(halves: Halves, group: str, wanted: set[str]) -> None:
    found = backtest(halves.client, halves.clean, by="series", group=group)
    assert {score["unique_id"].removeprefix("CN_CLEANTECH.X.") for score in found["scores"]} == wanted
    assert found["group"] == group


def test_a_group_that_is_none_is_refused(halves: Halves) -> None:
    response = halves.client.get("/v1/datasets/CN_TRADE/backtests", params={"group": "colour"})
    assert response.status_code == 422
    assert "group" in response.json()["detail"]
