"""Tables over plain HTTP: formats, whole lists, HEAD and ranges."""

import io
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from tests.integration.api.conftest import World, client_of

SERIES = "/v1/datasets/CN_CLEANTECH/series"
OBSERVATIONS = "/v1/datasets/CN_CLEANTECH/observations"
LISTS = [
    "/v1/datasets",
    SERIES,
    OBSERVATIONS,
    "/v1/partners",
    "/v1/sectors",
    "/v1/datasets/CN_CLEANTECH/forecasts",
    "/v1/datasets/CN_CLEANTECH/backtests",
    "/v1/runs",
]


@pytest.mark.parametrize("url", LISTS)
def test_every_list_comes_in_every_format(client: TestClient, url: str) -> None:
    tables = {
        "csv": lambda content: pd.read_csv(io.BytesIO(content)),
        "parquet": lambda content: pd.read_parquet(io.BytesIO(content)),
        "xlsx": lambda content: pd.read_excel(io.BytesIO(content), sheet_name="Data"),
    }
    found = {}
    for name, read in tables.items():
        response = client.get(url, params={"format": name})
        assert response.status_code == 200, response.text
        found[name] = read(response.content)
    assert list(found["csv"]) == list(found["parquet"]) == list(found["xlsx"])
    assert len(found["csv"]) == len(found["parquet"]) == len(found["xlsx"]) > 0


def test_a_table_is_whole_unless_a_limit_is_given(client: TestClient) -> None:
    total = client.get("/v1/partners?limit=1").json()["total"]
    assert total > 1
    for name in ("csv", "parquet", "xlsx"):
        response = client.get("/v1/datasets/CN_CLEANTECH/forecasts", params={"format": name})
        assert "link" not in response.headers
        assert response.headers["x-total-count"] == "12"
    page = client.get(OBSERVATIONS, params={"format": "csv", "limit": 5})
    assert len(page.text.splitlines()) == 6
    assert 'rel="next"' in page.headers["link"]


def test_json_says_how_many_rows_there_are_and_where_the_next_are(client: TestClient) -> None:
    page = client.get(OBSERVATIONS, params={"limit": 5}).json()
    assert (page["total"] > 5, page["next"]) == (True, f"{OBSERVATIONS}?limit=5&offset=5")


def test_a_workbook_describes_its_table(client: TestClient) -> None:
    response = client.get(OBSERVATIONS, params={"format": "xlsx", "partner": "USA"})
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    about = dict(book["About"].iter_rows(values_only=True))
    assert (about["dataset"], about["unit"]) == ("CN_CLEANTECH", "USD m")
    assert about["address"].endswith("partner=USA")


@pytest.mark.parametrize(
    ("name", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet), ("xlsx", pd.read_excel)]
)
@pytest.mark.parametrize("more", [{}, {"units": "pc1"}])
def test_numbers_have_the_digits_asked_for(client: TestClient, name: str, read: Any, more: dict[str, str]) -> None:
    rows, exact = (
        read(io.BytesIO(client.get(OBSERVATIONS, params={"format": name, **more, **digits}).content))
        for digits in ({"digits": 3}, {})
    )
    assert [float(f"{value:.3g}") for value in exact["value"].dropna()] == rows["value"].dropna().tolist()


@pytest.mark.parametrize("digits", [0, 18, "many"])
def test_digits_are_1_to_17(client: TestClient, digits: Any) -> None:
    response = client.get(OBSERVATIONS, params={"format": "csv", "digits": digits})
    assert response.status_code == 422
    assert "digits" in response.json()["detail"]


@pytest.mark.parametrize("url", ["/v1/datasets", f"{OBSERVATIONS}?format=parquet", "/v1/nothing", "/"])
def test_head_has_the_headers_of_get_and_no_body(client: TestClient, url: str) -> None:
    whole = client.get(url, headers={"Accept-Encoding": "identity"})
    head = client.head(url)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize("name", ["csv", "parquet", "xlsx"])
def test_ranges_of_a_table_put_together_are_the_table(client: TestClient, name: str) -> None:
    url = f"{OBSERVATIONS}?format={name}"
    head = client.head(url)
    assert head.headers["accept-ranges"] == "bytes"
    length = int(head.headers["content-length"])
    parts = []
    for first in range(0, length, 1000):
        part = client.get(url, headers={"Range": f"bytes={first}-{first + 999}"})
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes {first}-{min(first + 999, length - 1)}/{length}"
        parts.append(part.content)
    assert len(b"".join(parts)) == length
    last = client.get(url, headers={"Range": "bytes=-8"})
    assert last.content == b"".join(parts)[-8:]
    beyond = client.get(url, headers={"Range": f"bytes={length}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{length}")


def test_a_range_of_json_is_the_whole_answer(client: TestClient) -> None:
    response = client.get("/v1/datasets", headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.json()["total"]) == (200, 2)


def test_a_range_needs_the_key_that_the_table_needs(world: World) -> None:
    closed = client_of(world, require_key_to_read=True)
    url, part = f"{OBSERVATIONS}?format=csv", {"Range": "bytes=0-9"}
    assert closed.get(url, headers=part | world.headers("read")).status_code == 206
    assert closed.get(url, headers=part).status_code == 401
    assert closed.head(url).status_code == 401


@pytest.mark.parametrize(
    ("path", "of_run"),
    [
        ("observations?", False),
        ("observations?units=pc1&", False),
        ("forecasts?units=pc1&", True),
        ("backtests?", True),
    ],
)
def test_a_table_carries_its_dataset_run_licence_and_citation(
    client: TestClient, world: World, path: str, of_run: bool
) -> None:
    url = f"/v1/datasets/CN_CLEANTECH/{path}"
    expected = client.get("/v1/datasets/CN_CLEANTECH").json()
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{url}format=xlsx").content))
    about = dict(book["About"].iter_rows(values_only=True))
    parquet = pq.read_schema(io.BytesIO(client.get(f"{url}format=parquet").content)).metadata
    for facts in (about, {name.decode(): value.decode() for name, value in parquet.items()}):
        assert facts["dataset"] == "CN_CLEANTECH"
        assert {name: facts[name] for name in ("title", "publisher", "licence", "citation")} == {
            name: expected[name] for name in ("title", "publisher", "licence", "citation")
        }
        if "pc1" in path:
            assert facts["unit"] == "%"
        if of_run:
            assert (facts["run"], facts["as_of"], facts["cutoff"]) == (str(world.clean.run_id), "2026-01-15", "2025-12")
