"""Scenarios over HTTP, from the run of a small hierarchy with a published group and remainders."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.test_contributions import client, engine  # noqa: F401

URL = "/v1/datasets/PARTNERS/scenarios"
LEVELS = [
    {"series": f"X.{code}", "frequency": "A"} for code in ("WLD", "EU27", "DEU", "FRA", "EU27_REST", "USA", "RST")
]


def evaluate(client: TestClient, **stated: Any) -> dict[str, Any]:  # noqa: F811
    response = client.post(URL, json={"name": "test", "report": LEVELS, "level": [80]} | stated)
    assert response.status_code == 200, response.text
    return dict(response.json())


def of(answer: dict[str, Any], partner: str, period: str = "2026") -> dict[str, Any]:
    (row,) = (
        row
        for row in answer["results"]
        if (row["unique_id"], row["period"], row["units"]) == (f"PARTNERS.X.{partner}.TOTAL", period, "lin")
    )
    return dict(row)


def test_a_condition_holds_and_parts_add_up(client: TestClient) -> None:  # noqa: F811
    condition = {"series": "X.USA", "period": "2026", "units": "pc1", "value": -20}
    growth = [{"series": "X.USA", "units": "pc1"}]
    answer = evaluate(client, conditions=[condition], report=[*LEVELS, *growth])
    (usa,) = (row for row in answer["results"] if row["units"] == "pc1")
    assert usa["scenario"]["mean"] == pytest.approx(-20, abs=0.01)
    (interval,) = usa["scenario"]["intervals"]
    assert interval["lo"] == pytest.approx(interval["hi"], abs=0.01)
    parts = sum(of(answer, code)["scenario"]["mean"] for code in ("EU27", "USA", "RST"))
    assert parts == pytest.approx(of(answer, "WLD")["scenario"]["mean"], rel=1e-5)
    members = sum(of(answer, code)["scenario"]["mean"] for code in ("DEU", "FRA", "EU27_REST"))
    assert members == pytest.approx(of(answer, "EU27")["scenario"]["mean"], rel=1e-5)
    assert answer["distance"] > 0
    assert 0 <= answer["probability"] <= 1


def test_a_condition_on_a_group_reaches_its_members(client: TestClient) -> None:  # noqa: F811
    base = of(evaluate(client, conditions=[{"series": "X.USA", "period": "2026", "at_least": 0}]), "EU27")["baseline"]
    target = 1.1 * base["mean"]
    answer = evaluate(client, conditions=[{"series": "X.EU27", "period": "2026", "value": target}])
    assert of(answer, "EU27")["scenario"]["mean"] == pytest.approx(target, rel=1e-4)
    assert of(answer, "DEU")["scenario"]["mean"] > of(answer, "DEU")["baseline"]["mean"]


def test_a_mean_keeps_the_uncertainty(client: TestClient) -> None:  # noqa: F811
    question = {"series": "X.WLD", "period": "2026"}
    base = of(evaluate(client, conditions=[question | {"at_least": 0}]), "WLD")["baseline"]
    answer = of(evaluate(client, conditions=[question | {"mean": 1.001 * base["mean"]}]), "WLD")
    assert answer["scenario"]["mean"] == pytest.approx(1.001 * base["mean"], rel=2e-3)
    (interval,) = answer["scenario"]["intervals"]
    assert interval["hi"] > interval["lo"]


def test_a_mean_beyond_the_draws_leaves_values_in_place(client: TestClient) -> None:  # noqa: F811
    base = evaluate(client, conditions=[{"series": "X.USA", "period": "2026", "at_least": 0}])
    usa, world = (of(base, code)["baseline"]["mean"] for code in ("USA", "WLD"))
    stated = [
        {"series": "X.USA", "period": "2026", "value": 0.9 * usa},
        {"series": "X.WLD", "period": "2026", "mean": 1.3 * world},
    ]
    answer = evaluate(client, conditions=stated)
    (interval,) = of(answer, "USA")["scenario"]["intervals"]
    assert interval["lo"] == pytest.approx(0.9 * usa, rel=1e-3)
    assert interval["hi"] == pytest.approx(0.9 * usa, rel=1e-3)
    assert of(answer, "WLD")["scenario"]["mean"] == pytest.approx(1.3 * world, rel=1e-3)
    assert answer["methods"] == ["Gaussian conditional on the arsinh scale"]


def test_probabilities_shares_and_quarters_stand_beside_the_baseline(client: TestClient) -> None:  # noqa: F811
    base = of(evaluate(client, conditions=[{"series": "X.WLD", "period": "2026", "at_least": 0}]), "WLD")["baseline"]
    questions = [
        {"series": "X.WLD", "period": "2026", "above": base["median"]},
        {"series": "X.USA", "frequency": "Q", "units": "share"},
    ]
    answer = evaluate(
        client,
        conditions=[{"series": "X.WLD", "period": "2026", "at_least": base["median"]}],
        report=questions,
    )
    world, *quarters = answer["results"]
    assert world["baseline"]["probability"] == pytest.approx(0.5, abs=0.01)
    assert world["scenario"]["probability"] == 1.0
    assert answer["probability"] == pytest.approx(0.5, abs=0.01)
    assert [row["period"] for row in quarters][:2] == ["2026-Q1", "2026-Q2"]
    assert all(0 < row["scenario"]["median"] < 100 for row in quarters)
    assert quarters[0]["scenario"]["probability"] is None


def test_a_shock_is_arithmetic_and_what_is_diverted_is_not_lost(client: TestClient) -> None:  # noqa: F811
    shock = {"partner": "USA", "start": "2026-01", "size": -20}
    alone = evaluate(client, shocks=[shock])
    usa = of(alone, "USA")
    assert usa["scenario"]["mean"] == pytest.approx(0.8 * usa["baseline"]["mean"], rel=1e-5)
    assert of(alone, "DEU")["scenario"]["mean"] == pytest.approx(of(alone, "DEU")["baseline"]["mean"], rel=1e-5)
    gained = []
    for rule in ("level", "co_movement"):
        diverted = evaluate(client, shocks=[shock | {"diversion": 1.0, "divert_by": rule}])
        world, germany = of(diverted, "WLD"), of(diverted, "DEU")
        assert world["scenario"]["mean"] == pytest.approx(world["baseline"]["mean"], rel=1e-5)
        gained.append(germany["scenario"]["mean"] / germany["baseline"]["mean"])
    assert min(gained) > 1.0


def test_a_tariff_is_uncertain_and_reduces_trade(client: TestClient) -> None:  # noqa: F811
    shock = {"partner": "USA", "start": "2026-01", "tariff": {"rate_change": 30}, "profile": {"pull_forward": 0.0}}
    usa = of(evaluate(client, shocks=[shock]), "USA")
    ratio = usa["scenario"]["mean"] / usa["baseline"]["mean"]
    assert 1.3**-2.5 < ratio < 1.3**-1.5


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"conditions": [{"series": "X.USA", "period": "2025", "value": 1}]}, "is over"),
        ({"conditions": [{"series": "X.USA", "period": "2040", "value": 1}]}, "ends after"),
        ({"conditions": [{"series": "X.XXX", "period": "2026", "value": 1}]}, "XXX"),
        ({"conditions": [{"series": "X.USA", "period": "2026", "value": 1, "mean": 2}]}, "give one of"),
        ({}, "give conditions, shocks or regressors"),
        ({"shocks": [{"partner": "BRA", "start": "2026-01", "size": -5}]}, "BRA"),
        (
            {
                "conditions": [
                    {"series": "X.USA", "period": "2026", "value": 300},
                    {"series": "X.USA", "period": "2026", "value": 400},
                ]
            },
            "X.USA in 2026 (lin) cannot be",
        ),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(client: TestClient, stated: dict[str, Any], words: str) -> None:  # noqa: F811
    response = client.post(URL, json={"name": "test"} | stated)
    assert response.status_code in (404, 422)
    assert words in response.json()["detail"]


def test_csv_has_baseline_and_scenario_side_by_side(client: TestClient) -> None:  # noqa: F811
    body = {"name": "test", "conditions": [{"series": "X.USA", "period": "2026", "at_least": 0}], "report": LEVELS[:1]}
    response = client.post(URL, params={"format": "csv"}, json=body)
    assert response.text.splitlines()[0].startswith("unique_id,name,units,unit,period,level,baseline_mean")
