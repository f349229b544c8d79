"""Substitution over HTTP: what took the place of the partner that lost most."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.integration.api.test_contributions import client, engine  # noqa: F401

URL = "/v1/datasets/PARTNERS/forecasts/substitution"


def windows(client: TestClient, **params: Any) -> list[dict[str, Any]]:  # noqa: F811
    answer = client.get(URL, params={"level": 80, **params})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["windows"])


def test_one_request_has_the_observed_window_and_the_expected_one(client: TestClient) -> None:  # noqa: F811
    observed, expected = windows(client)
    assert (observed["period"], observed["months_observed"]) == ("2025", 12)
    assert (expected["period"], expected["months_observed"]) == ("2026", 0)
    assert observed["lost"]["code"] == expected["lost"]["code"]


def test_the_partner_that_lost_and_the_others_sum_to_the_whole(client: TestClient) -> None:  # noqa: F811
    for window in windows(client):
        rows = [window["lost"], *window["others"]]
        assert "EU27" not in {row["code"] for row in rows}
        # Draws are stored with about five digits.
        whole = window["change"]["mean"]
        assert sum(row["change"]["mean"] for row in rows) == pytest.approx(whole, rel=1e-5)
        assert sum(row["own"] + row["mix"] for row in rows) == pytest.approx(0, abs=1e-5 * abs(whole))


def test_the_partner_that_grows_least_lost_most(client: TestClient) -> None:  # noqa: F811
    (observed, _) = windows(client)
    lost = observed["lost"]
    assert lost["code"] == "USA"
    assert all(row["change"]["mean"] >= lost["change"]["mean"] for row in observed["others"])
    assert lost["own"] < 0


def test_shares_of_the_gains_sum_to_a_hundred(client: TestClient) -> None:  # noqa: F811
    observed, _ = windows(client)
    shares = [row["share_of_gains"] for row in observed["others"] if row["share_of_gains"] is not None]
    assert sum(shares) == pytest.approx(100)
    assert observed["others"][0]["share_of_gains"] == max(shares)


def test_of_a_group_that_lost_the_members_are_no_others(client: TestClient) -> None:  # noqa: F811
    (window,) = windows(client, partner="EU27", period="2025")
    assert window["lost"]["code"] == "EU27"
    assert {row["code"] for row in window["others"]} == {"USA", "RST"}


def test_an_expected_change_has_its_interval(client: TestClient) -> None:  # noqa: F811
    _, expected = windows(client)
    (interval,) = expected["lost"]["change"]["intervals"]
    assert interval["lo"] < expected["lost"]["change"]["mean"] < interval["hi"]


def test_csv_has_a_row_for_each_partner_and_window(client: TestClient) -> None:  # noqa: F811
    lines = client.get(URL, params={"level": 80, "format": "csv"}).text.splitlines()
    assert lines[0].startswith("period,from,lost,code")
    assert len(lines) == 1 + 2 * 5


@pytest.mark.parametrize(
    ("params", "status"), [({"partner": "JPN"}, 404), ({"from": "2024"}, 422), ({"months": 15}, 422)]
)
def test_a_window_that_is_not_there_is_refused(
    client: TestClient,  # noqa: F811
    params: dict[str, Any],
    status: int,
) -> None:
    assert client.get(URL, params=params).status_code == status
