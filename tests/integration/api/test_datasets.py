"""A new dataset, sent over HTTP."""

from typing import Any

import pytest

from api.rest.schemas.datasets import ImportAnswer
from tests.integration.api.conftest import World, client_of, scalar
from tests.support.answers import validate

TABLE = "Date;Country;Amount\n" + "".join(
    f"{month};{country};{value}\n"
    for month in ("2025M01", "2025M02")
    for country, value in (("CHINA", "1,5"), ("Japan", "2,25"))
)
VIETNAM: dict[str, Any] = {
    "id": "VN_TRADE",
    "title": "Viet Nam's exports",
    "reporter": "Viet Nam",
    "currency": "USD",
    "unit": "USD bn",
    "publisher": "General Statistics Office",
    "licence": "official statistics",
    "table": TABLE,
    "layout": {"map": {"Date": "month", "Country": "partner", "Amount": "value"}, "constant": {"flow": "X"}},
    "backfill": True,
}


def send(world: World, scope: str = "write", **changes: Any) -> Any:
    with client_of(world) as client:
        return client.post("/v1/datasets", json=VIETNAM | changes, headers=world.headers(scope))


def test_a_dataset_is_created_with_its_table_and_its_total(scratch: World) -> None:
    response = send(scratch)
    assert (response.status_code, response.headers["location"]) == (201, "/v1/datasets/VN_TRADE"), response.text
    answer = response.json()
    validate(ImportAnswer, answer)
    assert (answer["inserted"], answer["derived"]) == (4, 2)
    assert "exports: no World series, so the total is the sum of the partners" in answer["summary"]
    with client_of(scratch) as client:
        stored = client.get("/v1/datasets/VN_TRADE").json()
        values = client.get("/v1/datasets/VN_TRADE/observations?partner=WLD&as_of=2025-02-20").json()["observations"]
    assert (stored["reporter"], stored["derives_total"]) == ("VNM", True)
    assert [row["value"] for row in values] == [3.75]


def test_a_dry_run_stores_nothing(scratch: World) -> None:
    response = send(scratch, dry_run=True)
    assert (response.status_code, response.json()["inserted"]) == (200, 4), response.text
    assert scalar(scratch, "SELECT count(*) FROM dataset WHERE id = 'VN_TRADE'") == 0


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"id": "vn"}, "id: String should match pattern"),
        ({"release_day": 31}, "release_day"),
        ({"release_day": True}, "release_day"),
        ({"nonsense": 1}, "nonsense"),
        ({"title": "a\0b"}, "title"),
        ({"partners": {"OK": "a\0b"}}, "printable characters"),
        ({"reporter": "Vietnm"}, "perhaps Viet"),
        ({"layout": {}}, "--map Date=month,Country=partner,Amount=value"),
        ({"layout": VIETNAM["layout"] | {"decimal": "x"}}, "decimal 'x': it is one of"),
        ({"table": TABLE.replace("2,25", "oops", 1)}, "row 3, value: is not a number"),
        ({"table": TABLE.replace("CHINA", "Chinna")}, "perhaps China (CHN)"),
        ({"derive_rest": True}, "no World series"),
        ({"partners": {"A CODE": "x"}}, "is not a code"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(scratch: World, changes: dict[str, Any], detail: str) -> None:
    response = send(scratch, **changes)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert detail in response.json()["detail"]
    assert scalar(scratch, "SELECT count(*) FROM dataset WHERE id = 'VN_TRADE'") == 0


def test_creating_needs_a_key_that_may_write(scratch: World) -> None:
    assert send(scratch, scope="read").status_code == 403
