import io
from datetime import timedelta
from typing import Any

import orjson
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose

from api.rest.schemas.observations import AppendedAnswer, ObservationPage
from services.series.series_catalog import SeriesCatalog
from store.queries.forecasts import CoveredSeries
from tests.integration.api.conftest import TODAY, World, client_of, scalar
from tests.support.answers import validate
from tests.support.factories import observed

TRADE = "/v1/datasets/CN_TRADE/observations"
CLEAN = "/v1/datasets/CN_CLEANTECH/observations"
NEW = "month,flow,partner,sector,value\n2026-01,X,WLD,TOTAL,321.4\n2026-01,M,WLD,TOTAL,210.0\n"


def answer(client: TestClient, url: str, **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params or None)
    assert response.status_code == 200, response.text
    validate(ObservationPage, response.json())
    return dict(response.json())


def series(client: TestClient, url: str, **params: Any) -> list[float]:
    return [row["value"] for row in answer(client, url, **params)["observations"]]


def test_values_come_by_series_and_month_with_their_unit(client: TestClient) -> None:
    found = answer(client, TRADE, flow="X")
    assert_allclose([row["value"] for row in found["observations"]], observed("CN_TRADE.X.WLD.TOTAL"))
    assert found["observations"][0]["month"] == "2022-01"
    assert {row["unit"] for row in found["observations"]} == {"USD bn"}
    assert found["revised_data"]


def test_start_and_end_bound_the_months(client: TestClient) -> None:
    rows = answer(client, TRADE, flow="X", start="2023-05", end="2023-07")["observations"]
    assert [row["month"] for row in rows] == ["2023-05", "2023-06", "2023-07"]


def test_as_of_shows_what_was_known_then(client: TestClient) -> None:
    assert answer(client, TRADE, flow="X", as_of="2024-03-08")["observations"][-1]["month"] == "2024-01"
    assert answer(client, TRADE, flow="X", as_of="2024-03-09")["observations"][-1]["month"] == "2024-02"
    assert answer(client, TRADE, as_of="2000-01-01")["total"] == 0


def test_balances_and_groups_agree_with_a_plain_sum(client: TestClient) -> None:
    balance = series(client, TRADE, flow="B")
    assert_allclose(balance, observed("CN_TRADE.X.WLD.TOTAL") - observed("CN_TRADE.M.WLD.TOTAL"))
    group = series(client, CLEAN, partner="EU27", sector="EV")
    assert_allclose(group, observed("CN_CLEANTECH.X.DEU.EV") + observed("CN_CLEANTECH.X.FRA.EV"))


def test_csv_reads_into_pandas(client: TestClient) -> None:
    text = client.get(CLEAN, params={"format": "csv", "partner": "USA,EU27"}).text
    rows = pd.read_csv(io.StringIO(text), parse_dates=["month", "vintage"])
    assert len(rows) == 2 * 3 * 48
    entry = rows[rows["unique_id"] == "CN_CLEANTECH.X.USA.EV"]["value"]
    assert_allclose(entry, observed("CN_CLEANTECH.X.USA.EV"))


def test_pages_join_to_the_whole(client: TestClient) -> None:
    whole = answer(client, TRADE)
    pages, url = [], f"{TRADE}?limit=40"
    while url:
        page = answer(client, url)
        pages += page["observations"]
        url = page["next"]
    assert (pages, whole["total"]) == (whole["observations"], 96)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"start": "2024-02", "end": "2024-01"}, "start 2024-02 is after end 2024-01"),
        ({"start": "2024-13"}, "YYYY-MM"),
        ({"end": "24-01"}, "YYYY-MM"),
        ({"start": "0000-01"}, "YYYY-MM"),
        ({"as_of": "yesterday"}, "YYYY-MM-DD"),
    ],
)
def test_months_and_days_are_checked(client: TestClient, params: dict[str, str], words: str) -> None:
    response = client.get(TRADE, params=params)
    assert response.status_code == 422
    assert words in response.json()["detail"]


def post(world: World, body: str | bytes, kind: str = "text/csv", **changes: Any) -> Any:
    client = client_of(world, **changes)
    return client.post(TRADE, content=body, headers=world.headers("write") | {"Content-Type": kind})


def test_a_csv_is_appended_and_read_back(scratch: World) -> None:
    response = post(scratch, NEW)
    assert response.status_code == 201, response.text
    validate(AppendedAnswer, response.json())
    assert response.json() == {"dataset": "CN_TRADE", "received": 2, "inserted": 2, "unchanged": 0, "derived": 0}
    (row,) = answer(client_of(scratch), TRADE, flow="X", start="2026-01")["observations"]
    assert (row["value"], row["vintage"], row["backfilled"]) == (321.4, "2026-01-21", False)


def test_sending_the_same_again_stores_nothing(scratch: World) -> None:
    post(scratch, NEW)
    before = scalar(scratch, "SELECT count(*) FROM observation")
    assert post(scratch, NEW).json()["unchanged"] == 2
    assert scalar(scratch, "SELECT count(*) FROM observation") == before


@pytest.mark.parametrize(
    "question",
    ["forecasts?flow=X&units=pc1", "forecasts?flow=B&frequency=Q&units=ch1", "folds?flow=X&kind=month_growth"],
)
def test_what_a_published_run_answers_is_not_moved_by_what_comes_later(scratch: World, question: str) -> None:
    run = scratch.trade.run_id
    address = f"/v1/runs/{run}/{question}"
    if question.startswith("folds"):
        address = f"/v1/datasets/CN_TRADE/backtests/{question}&run={run}"
    before = client_of(scratch).get(address)
    # Of a day before the run's own, and stored after it was made.
    late = "month,flow,partner,sector,value,vintage\n" + "".join(
        f"2025-{month:02},{flow},WLD,TOTAL,900,2026-01-14\n" for month in range(1, 13) for flow in "XM"
    )
    assert post(scratch, late).json()["inserted"] == 24
    after = client_of(scratch).get(address)
    assert (before.status_code, after.content) == (200, before.content)


def test_a_correction_is_reported_to_wait_for_the_next_day_and_taken_then(scratch: World) -> None:
    assert post(scratch, NEW).status_code == 201
    corrected = NEW.replace("321.4", "312.4")
    refused = post(scratch, corrected)
    assert refused.status_code == 422
    assert "send the correction with a later one, which is the next day's, in UTC" in refused.json()["detail"]
    assert post(scratch, corrected, now=lambda: TODAY + timedelta(days=1)).json()["inserted"] == 1
    assert series(client_of(scratch), TRADE, flow="X", start="2026-01") == [312.4]


def test_json_is_appended_like_csv(scratch: World) -> None:
    row = {"month": "2026-01", "flow": "X", "partner": "WLD", "sector": "TOTAL", "value": 321.4}
    response = post(scratch, orjson.dumps({"observations": [row | {"vintage": "2026-01-20"}]}), "application/json")
    assert response.status_code == 201, response.text
    (found,) = answer(client_of(scratch), TRADE, flow="X", start="2026-01")["observations"]
    assert (found["value"], found["vintage"]) == (321.4, "2026-01-20")


def test_a_new_series_is_served_at_once(scratch: World) -> None:
    client = client_of(scratch)
    assert client.get(TRADE, params={"partner": "USA"}).status_code == 404
    response = post(scratch, "month,flow,partner,sector,value\n2025-12,X,USA,TOTAL,30\n")
    assert response.status_code == 201, response.text
    assert series(client, TRADE, partner="USA") == [30]


def test_partners_sent_form_their_groups_at_once_and_in_no_run_of_before(scratch: World) -> None:
    client, run = client_of(scratch), f"/v1/runs/{scratch.trade.run_id}/forecasts"
    head = "month,flow,partner,sector,value\n"
    assert post(scratch, head + "2025-12,X,DEU,TOTAL,30\n").status_code == 201
    assert client.get(TRADE, params={"partner": "EU27"}).status_code == 404
    before = client.get(run).content
    assert post(scratch, head + "2025-12,X,FRA,TOTAL,20\n").status_code == 201
    assert series(client, TRADE, partner="EU27") == [50]
    (group,) = client.get("/v1/datasets/CN_TRADE").json()["groups"]
    assert group["members"] == ["FRA", "DEU"]
    for reader in (client, client_of(scratch)):
        assert reader.get(run).content == before
        assert reader.get(run, params={"partner": "EU27"}).status_code == 404


def test_the_balance_of_a_group_is_of_the_members_that_have_both_sides(scratch: World) -> None:
    client, parameters = client_of(scratch), {"flow": "B", "partner": "EU27", "sector": "EV"}
    refused = client.get(CLEAN, params=parameters)
    assert (refused.status_code, refused.json()["title"]) == (404, "Unknown series")
    body = "month,flow,partner,sector,value\n2025-12,M,DEU,EV,3\n2025-12,M,USA,EV,4\n"
    headers = scratch.headers("write") | {"Content-Type": "text/csv"}
    assert client.post(CLEAN, content=body, headers=headers).status_code == 201
    assert_allclose(series(client, CLEAN, **parameters), observed("CN_CLEANTECH.X.DEU.EV")[-1:] - 3)


def test_the_balance_of_a_group_says_whose_it_is() -> None:
    keys = [("X", "DEU"), ("X", "FRA"), ("X", "ITA"), ("M", "DEU"), ("M", "ITA"), ("M", "USA")]
    stored = [CoveredSeries(number, flow, partner, "EV") for number, (flow, partner) in enumerate(keys)]
    names = {"EU27": "European Union", **{partner: partner for _, partner in keys}}
    catalog = SeriesCatalog("CN", "USD m", stored, names, {"EV": "Cars"}, {"EU27": ("FRA", "DEU", "ITA")})
    (balance,) = catalog.choose(flows=["B"], partners=["EU27"], sectors=["EV"])
    assert [(part.unique_id, part.sign) for part in balance.parts] == [
        *(("CN.X.DEU.EV", 1), ("CN.X.ITA.EV", 1), ("CN.M.DEU.EV", -1), ("CN.M.ITA.EV", -1)),
    ]


@pytest.mark.parametrize(
    ("body", "row", "column"),
    [
        (NEW.replace("321.4", "-1"), 2, "value"),
        (NEW.replace("210.0", "nan"), 3, "value"),
        (NEW.replace("210.0", "lots"), 3, "value"),
        (NEW.replace("2026-01,M", "2026-13,M"), 3, "month"),
        (NEW.replace("2026-01", "2026-02"), 2, "month"),
        (NEW.replace("WLD", "XYZ"), 2, "partner"),
        (NEW.replace("TOTAL", "NOTHING"), 2, "sector"),
        (NEW + "2026-01,X,WLD,TOTAL,5\n", 4, "month"),
    ],
)
def test_a_fault_is_named_by_row_and_column_and_nothing_is_stored(
    scratch: World, body: str, row: int, column: str
) -> None:
    before = scalar(scratch, "SELECT count(*) FROM observation")
    response = post(scratch, body)
    assert response.status_code == 422, response.text
    fault = response.json()["faults"][0]
    assert (fault["row"], fault["column"]) == (row, column)
    assert fault["reason"]
    assert scalar(scratch, "SELECT count(*) FROM observation") == before


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "text/csv", 422),
        (b"month,flow\n", "text/csv", 422),
        (NEW.encode("utf-16-le"), "text/csv", 422),
        (b"\xff\xfe\x00\x01", "text/csv", 422),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"observations": 3}', "application/json", 422),
        (b'{"observations": [{"month": {}}]}', "application/json", 422),
        (b'{"observations": [], "more": 1}', "application/json", 422),
        (NEW.encode(), "application/xml", 415),
        (NEW.encode(), "", 415),
    ],
)
def test_what_is_no_table_is_refused(scratch: World, body: bytes, kind: str, status: int) -> None:
    response = post(scratch, body, kind)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_a_column_that_is_not_read_is_refused_and_nothing_is_stored(scratch: World) -> None:
    before = scalar(scratch, "SELECT count(*) FROM observation")
    response = post(scratch, "month,flow,partner,sector,value,Vintage\n2026-01,X,WLD,TOTAL,321.4,2026-01-20\n")
    assert (response.status_code, response.json()["type"]) == (422, "urn:tradewind:problem:misspelt-columns")
    assert response.json()["columns"] == ["Vintage"]
    row = {"month": "2026-01", "flow": "X", "partner": "WLD", "sector": "TOTAL", "value": 321.4}
    rows = {"observations": [row | {"vintage ": "2026-01-20"}]}
    assert post(scratch, orjson.dumps(rows), "application/json").status_code == 422
    assert scalar(scratch, "SELECT count(*) FROM observation") == before


def test_a_body_above_the_limit_is_refused_while_it_comes(scratch: World) -> None:
    body = NEW + "2026-01,X,WLD,TOTAL,1\n" * 1000
    assert post(scratch, body, max_upload_bytes=len(body)).status_code == 422
    response = post(scratch, body, max_upload_bytes=len(body) - 1)
    assert (response.status_code, response.json()["limit_bytes"]) == (413, len(body) - 1)


def test_an_endless_body_is_not_read_to_its_end(scratch: World) -> None:
    sent = []

    def endless() -> Any:
        for number in range(10_000):
            sent.append(number)
            yield b"x" * 1000

    client = client_of(scratch, max_upload_bytes=10_000)
    headers = scratch.headers("write") | {"Content-Type": "text/csv"}
    assert client.post(TRADE, content=endless(), headers=headers).status_code == 413


def test_a_compressed_body_is_not_unfolded(scratch: World) -> None:
    headers = scratch.headers("write") | {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    assert client_of(scratch).post(TRADE, content=b"\x1f\x8b", headers=headers).status_code == 415


def test_an_unknown_dataset_takes_nothing(scratch: World) -> None:
    headers = scratch.headers("write") | {"Content-Type": "text/csv"}
    assert client_of(scratch).post("/v1/datasets/NOWHERE/observations", content=NEW, headers=headers).status_code == 404


def test_a_last_value_far_beyond_those_before_it_needs_force(scratch: World) -> None:
    rows = "month,flow,partner,sector,value\n2026-01,X,WLD,TOTAL,32140000\n"
    refused = post(scratch, rows)
    assert refused.status_code == 422, refused.text
    assert "times the largest of the 12 months before it" in refused.json()["detail"]
    with client_of(scratch) as client:
        headers = {**scratch.headers("write"), "Content-Type": "text/csv"}
        assert client.post(f"{TRADE}?force=true", content=rows, headers=headers).status_code == 201


def test_an_unchanged_dataset_answers_304_and_a_new_observation_does_not(scratch: World) -> None:
    client = client_of(scratch)
    url = "/v1/datasets/CN_CLEANTECH/observations?partner=USA&format=csv"
    tag = client.get(url).headers["etag"]
    known = client.get(url, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    row = {"month": "2025-12", "flow": "X", "partner": "USA", "sector": "EV", "value": 1.5}
    sent = client.post(
        "/v1/datasets/CN_CLEANTECH/observations", json={"observations": [row]}, headers=scratch.headers("write")
    )
    assert sent.status_code == 201, sent.text
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 200


def test_only_values_that_became_known_after_a_day(client: TestClient) -> None:
    url = "/v1/datasets/CN_CLEANTECH/observations"
    everything = client.get(url, params={"limit": 100_000}).json()["observations"]
    vintages = sorted({row["vintage"] for row in everything})
    later = client.get(url, params={"limit": 100_000, "updated_after": vintages[-2]}).json()["observations"]
    assert {row["vintage"] for row in later} == {vintages[-1]}


def test_a_table_describes_the_series_of_each_row(client: TestClient) -> None:
    url = "/v1/datasets/CN_CLEANTECH/observations"
    rows = pd.read_csv(io.StringIO(client.get(url, params={"partner": "EU27", "sector": "EV", "format": "csv"}).text))
    assert set(rows["unique_id"]) == {"CN_CLEANTECH.X.EU27.EV"}
    assert rows["partner_name"].str.startswith("European Union").all()
    assert (rows["date"] == rows["month"] + "-01").all()
