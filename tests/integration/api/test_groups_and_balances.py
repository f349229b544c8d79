"""Groups and balances are answered, or refused, where docs/api/catalog.md says so."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import World

SUMMED = (
    *("observations", "forecasts", "forecasts/probability?period=2026-Q1&above=1"),
    *("backtests?by=series", "backtests/folds", "backtests/misses"),
)
BY_MEMBER = ("revisions", "tracking", "tracking/series")
EXTERNAL = ("external-forecasts", "external-forecasts/models")
CONCENTRATION = "forecasts/concentration?over=sector"


def get(client: TestClient, path: str, **params: Any) -> Any:
    return client.get(
        path + ("&" if "?" in path else "?") + "&".join(f"{name}={value}" for name, value in params.items())
    )


@pytest.mark.parametrize("path", SUMMED)
def test_a_group_is_the_sum_of_its_members_and_a_balance_is_answered(client: TestClient, path: str) -> None:
    found = get(client, f"/v1/datasets/CN_CLEANTECH/{path}", partner="EU27", sector="EV")
    assert (found.status_code, "CN_CLEANTECH.X.EU27.EV" in found.text) == (200, True)
    assert get(client, f"/v1/datasets/CN_TRADE/{path}", flow="B").status_code == 200


@pytest.mark.parametrize("path", BY_MEMBER)
def test_a_group_stands_for_its_members_and_a_balance_is_no_sum(client: TestClient, path: str) -> None:
    found = get(client, f"/v1/datasets/CN_CLEANTECH/{path}", partner="EU27", sector="EV")
    assert (found.status_code, ".EU27." in found.text) == (200, False)
    balance = get(client, f"/v1/datasets/CN_TRADE/{path}", flow="B")
    # External forecasts may be of the balance itself.
    assert balance.status_code == (200 if path.startswith("external-forecasts") else 422)


@pytest.mark.parametrize("path", EXTERNAL)
def test_external_forecasts_of_a_group_are_those_of_its_members_and_a_balance_has_its_own(
    client: TestClient, path: str
) -> None:
    found = get(client, f"/v1/datasets/CN_CLEANTECH/{path}", partner="EU27", sector="EV")
    assert (found.status_code, ".EU27." in found.text) == (200, False)
    assert get(client, f"/v1/datasets/CN_TRADE/{path}", flow="B").status_code == 200


def test_a_group_has_a_concentration_and_a_balance_none(client: TestClient) -> None:
    found = get(client, f"/v1/datasets/CN_CLEANTECH/{CONCENTRATION}", partner="EU27", format="csv")
    assert "CN_CLEANTECH.X.EU27.*" in found.text
    assert get(client, f"/v1/datasets/CN_TRADE/{CONCENTRATION}", flow="B").status_code == 422


@pytest.mark.parametrize("path", ["backtests?by=series", "backtests/misses"])
def test_among_several_series_a_group_or_balance_stands_for_its_parts(client: TestClient, path: str) -> None:
    found = get(client, f"/v1/datasets/CN_CLEANTECH/{path}", partner="EU27,USA", sector="EV")
    assert (found.status_code, ".EU27." in found.text) == (200, False)
    found = get(client, f"/v1/datasets/CN_TRADE/{path}", flow="B,X")
    assert (found.status_code, "CN_TRADE.B." in found.text, "CN_TRADE.M." in found.text) == (200, False, True)


def test_of_a_run_lines_are_summed_components_empty_and_changes_by_member(client: TestClient, world: World) -> None:
    clean, trade = (f"/v1/runs/{row.run_id}" for row in (world.clean, world.trade))
    assert (
        get(client, f"{clean}/forecast-history", partner="EU27", sector="EV").json()["unique_id"]
        == "CN_CLEANTECH.X.EU27.EV"
    )
    assert get(client, f"{trade}/forecast-history", flow="B").status_code == 200
    (row,) = get(client, f"{clean}/components", partner="EU27", sector="EV").json()["series"]
    assert row["months"] == []
    assert get(client, f"{trade}/components", flow="B").status_code == 422
    assert get(client, f"{trade}/changes", flow="B").status_code == 422


def test_series_lists_neither(client: TestClient) -> None:
    listed = get(client, "/v1/datasets/CN_CLEANTECH/series").json()["series"]
    assert {row["partner"] for row in listed} & {"EU27"} == set()
    assert get(client, "/v1/datasets/CN_TRADE/series", flow="B").status_code == 422
