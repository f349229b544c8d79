import io
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.rest.schemas.catalog import DatasetAnswer, DatasetPage, PartnerPage, SectorPage, SeriesPage
from tests.support.answers import validate


def get(client: TestClient, url: str, shape: type[Any], **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params or None)
    assert response.status_code == 200, response.text
    validate(shape, response.json())
    return dict(response.json())


def test_datasets_say_their_unit_licence_and_groups(client: TestClient) -> None:
    found = get(client, "/v1/datasets", DatasetPage)
    assert [(entry["id"], entry["unit"], entry["series"]) for entry in found["datasets"]] == [
        ("CN_CLEANTECH", "USD m", 12),
        ("CN_TRADE", "USD bn", 2),
    ]
    (group,) = found["datasets"][0]["groups"]
    assert (group["code"], sorted(group["members"])) == ("EU27", ["DEU", "FRA"])
    entry = get(client, "/v1/datasets/CN_TRADE", DatasetAnswer)
    assert entry == found["datasets"][1]
    rows = pd.read_csv(io.StringIO(client.get("/v1/datasets/CN_TRADE?format=csv").text))
    assert list(rows["unit"]) == ["USD bn"]


def test_series_are_found_by_code_and_by_text(client: TestClient) -> None:
    url = "/v1/datasets/CN_CLEANTECH/series"

    def found(**params: Any) -> list[str]:
        rows = get(client, url, SeriesPage, **params)["series"]
        return [row["unique_id"].removeprefix("CN_CLEANTECH.X.") for row in rows]

    assert len(found()) == 12
    assert found(partner="USA,DEU", sector="EV") == ["DEU.EV", "USA.EV"]
    assert found(q="germ") == ["DEU.BATTERIES", "DEU.EV", "DEU.TOTAL"]
    assert found(q="electric", partner="USA") == ["USA.EV"]
    assert found(q="%") == []
    assert found(flow="M") == []
    assert found(flow="X,M", limit=1, offset=11) == ["WLD.TOTAL"]


@pytest.mark.parametrize(
    ("url", "shape", "name"),
    [("/v1/partners", PartnerPage, "partners"), ("/v1/sectors", SectorPage, "sectors")],
)
def test_codes_are_paged_in_order(client: TestClient, url: str, shape: type[Any], name: str) -> None:
    whole = get(client, url, shape, limit=1000)
    codes = [row["code"] for row in whole[name]]
    assert codes == sorted(codes)
    page = get(client, url, shape, limit=2, offset=1)
    assert page[name] == whole[name][1:3]
    assert page["next"] == f"{url}?limit=2&offset=3" or whole["total"] == 3


def test_partners_tell_groups_from_countries(client: TestClient) -> None:
    found = get(client, "/v1/partners", PartnerPage, q="EU27")
    assert next(row for row in found["partners"] if row["code"] == "EU27")["is_group"]


@pytest.mark.parametrize("url", ["/v1/datasets", "/v1/datasets/CN_CLEANTECH/series", "/v1/partners", "/v1/sectors"])
def test_lists_come_as_csv(client: TestClient, url: str) -> None:
    response = client.get(url, params={"format": "csv", "limit": 1000})
    rows = pd.read_csv(io.StringIO(response.text))
    assert len(rows) == int(response.headers["x-total-count"])


def test_an_empty_csv_still_has_its_header(client: TestClient) -> None:
    rows = pd.read_csv(io.StringIO(client.get("/v1/partners", params={"format": "csv", "q": "nobody"}).text))
    assert (list(rows), len(rows)) == (["code", "name", "is_group"], 0)


def test_an_unknown_dataset_is_not_found(client: TestClient) -> None:
    for url in ("/v1/datasets/NOWHERE", "/v1/datasets/NOWHERE/series", "/v1/datasets/NOWHERE/observations"):
        response = client.get(url)
        assert (response.status_code, response.json()["dataset"]) == (404, "NOWHERE")


@pytest.mark.parametrize(
    ("params", "keys"),
    [({"partner": "ZZZ"}, {"partner": "ZZZ"}), ({"partner": "USA,EU27", "sector": "EV"}, {"partner": "EU27"})],
)
def test_series_of_a_code_that_is_not_there_are_not_found(
    client: TestClient, params: dict[str, str], keys: dict[str, str]
) -> None:
    response = client.get("/v1/datasets/CN_CLEANTECH/series", params=params)
    assert (response.status_code, response.json()["keys"]) == (404, keys)


def test_series_of_a_day_are_those_of_which_something_was_known(client: TestClient) -> None:
    url = "/v1/datasets/CN_CLEANTECH/series"
    assert get(client, url, SeriesPage, as_of="2022-02-08")["total"] == 0
    assert get(client, url, SeriesPage, as_of="2022-02-09")["total"] == 12
