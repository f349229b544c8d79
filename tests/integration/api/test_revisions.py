import io
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.rest.schemas.revisions import RevisionPage
from tests.integration.api.conftest import World, client_of
from tests.support.answers import validate

URL = "/v1/datasets/CN_TRADE/revisions"
FIGURES = """month,flow,partner,sector,value,vintage
2026-01,X,WLD,TOTAL,300.0,2026-01-05
2026-01,X,WLD,TOTAL,330.0,2026-01-18
"""


@pytest.fixture
def revised(scratch: World) -> World:
    """January's exports, published on the 5th and raised by a tenth on the 18th."""
    headers = scratch.headers("write") | {"Content-Type": "text/csv"}
    sent = client_of(scratch).post("/v1/datasets/CN_TRADE/observations", content=FIGURES, headers=headers)
    assert sent.status_code == 201, sent.text
    return scratch


def answer(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(URL, params={"flow": "X"} | params)
    assert response.status_code == 200, response.text
    validate(RevisionPage, response.json())
    return dict(response.json())


def test_a_revision_has_its_size_and_a_stand_in_for_a_first_print_has_none(revised: World) -> None:
    found = answer(client_of(revised), start="2025-12")
    december, january = found["revisions"]
    assert (january["first"], january["latest"], january["revision"]) == (300.0, 330.0, 30.0)
    assert (january["revision_percent"], january["vintages"], january["unit"]) == (pytest.approx(10), 2, "USD bn")
    assert (december["first"], december["revision"], december["revision_percent"]) == (None, None, None)
    assert december["latest"] > 0
    assert found["revised_data"]
    # No first print is a month old yet.
    assert found["by_age"] == []


def test_as_of_is_what_was_known_then(revised: World) -> None:
    (january,) = answer(client_of(revised), start="2026-01", as_of="2026-01-17")["revisions"]
    assert (january["latest"], january["revision"], january["vintages"]) == (300.0, 0.0, 1)


@pytest.mark.parametrize(("output_type", "values"), [(1, [300, 330]), (2, [300, 330]), (3, [300, 330]), (4, [300])])
def test_vintages_come_as_in_alfred(revised: World, output_type: int, values: list[float]) -> None:
    found = answer(client_of(revised), start="2026-01", output_type=output_type)
    assert [row["value"] for row in found["observations"]] == values
    assert (found["output_type"], found["revisions"], found["by_age"]) == (output_type, None, None)


def test_csv_has_the_rows_alone(revised: World) -> None:
    client = client_of(revised)
    for params, rows in (({}, 2), ({"output_type": 1}, 3), ({"by": "age"}, 0)):
        text = client.get(URL, params={"flow": "X", "start": "2025-12", "format": "csv"} | params).text
        assert len(pd.read_csv(io.StringIO(text))) == rows


def test_pages_join_to_the_whole(client: TestClient) -> None:
    whole = answer(client, limit=100)["revisions"]
    parts = answer(client, limit=30)["revisions"] + answer(client, limit=30, offset=30)["revisions"]
    assert (parts, len(whole)) == (whole, 48)


@pytest.mark.parametrize("params", [{"output_type": 5}, {"output_type": "all"}, {"by": "week"}, {"flow": "B"}])
def test_what_there_is_not_is_refused(client: TestClient, params: dict[str, Any]) -> None:
    assert client.get(URL, params=params).status_code == 422
