"""The OpenAPI document describes the answers that are sent."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import World

QUERIES = {
    "read_probability": {"flow": "X", "period": "2026-03", "above": 1},
    "read_concentration": {"over": "partner", "sector": "EV"},
    "read_contributions": {"by": "partner", "period": "2026-03"},
    "read_folds": {"flow": "X"},
    "read_forecast_history": {"flow": "X"},
}
"""Parameters of operations that need some."""


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def test_every_answer_has_a_documented_content_type(client: TestClient, document: dict[str, Any], world: World) -> None:
    answered = []
    for path, methods in document["paths"].items():
        operation = methods.get("get")
        if operation is None:
            continue
        dataset = "CN_CLEANTECH" if operation["operationId"] == "read_concentration" else "CN_TRADE"
        # Whatever else a path names does not exist in this world: its answer is a documented 404.
        known = {"dataset": dataset, "run_id": str(world.trade.run_id), "form": "html"}
        address = path.format(**dict.fromkeys(re.findall(r"\{(\w+)\}", path), "1") | known)
        response = client.get(address, params=QUERIES.get(operation["operationId"]))
        kind = response.headers["content-type"].partition(";")[0]
        documented = operation["responses"].get(str(response.status_code), operation["responses"].get("default"))
        assert documented is not None, (path, response.status_code)
        assert kind in documented["content"], (path, response.status_code, kind)
        answered += [path] if response.status_code == 200 else []
    assert len(answered) > 25


def test_operations_have_short_stable_names(document: dict[str, Any]) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 30
    assert {"read_forecasts", "read_observations", "read_probability", "evaluate_scenario"} <= set(names)


def test_errors_are_documented_as_problems(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/datasets/{dataset}/forecasts"]["get"]
    assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
