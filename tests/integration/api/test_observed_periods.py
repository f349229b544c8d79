"""Observations in other units, over longer periods and adjusted, and history beside forecasts."""

import io
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose

from api.rest.schemas.forecasts import ForecastPage
from api.rest.schemas.observations import ObservationPage
from tests.integration.api.conftest import TODAY, World, client_of
from tests.support.answers import validate
from tests.support.factories import observed

TRADE = "/v1/datasets/CN_TRADE/observations"
CLEAN = "/v1/datasets/CN_CLEANTECH/observations"


def answer(client: TestClient, url: str, **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params or None)
    assert response.status_code == 200, response.text
    validate(ForecastPage if "forecasts" in url else ObservationPage, response.json())
    return dict(response.json())


def values(client: TestClient, url: str, **params: Any) -> list[Any]:
    return [row["value"] for row in answer(client, url, **params)["observations"]]


def test_growth_is_that_of_published_values(client: TestClient) -> None:
    found = answer(client, TRADE, flow="X", units="pc1")
    expected = 100 * pd.Series(observed("CN_TRADE.X.WLD.TOTAL")).pct_change(12)
    rows = found["observations"]
    assert_allclose([row["value"] or np.nan for row in rows], expected, rtol=1e-9)
    assert (found["unit"], found["units"], found["adjustment"]) == ("%", "pc1", None)
    assert rows[0]["reason"] == "2021-01 is not observed"
    assert {row["reason"] for row in rows[12:]} == {None}


def test_a_quarter_is_the_sum_of_its_months(client: TestClient) -> None:
    rows = answer(client, TRADE, flow="B", frequency="Q")["observations"]
    balance = observed("CN_TRADE.X.WLD.TOTAL") - observed("CN_TRADE.M.WLD.TOTAL")
    assert_allclose([row["value"] for row in rows], balance.reshape(-1, 3).sum(axis=1))
    assert [row["period"] for row in rows[:2]] == ["2022-Q1", "2022-Q2"]
    assert {row["months"] for row in rows} == {3}


def test_shares_of_sectors_add_up(client: TestClient) -> None:
    rows = answer(client, CLEAN, partner="USA", units="share", of="partner", start="2024-01")["observations"]
    total = observed("CN_CLEANTECH.X.USA.TOTAL")[-24:]
    entry = [row["value"] for row in rows if row["unique_id"].endswith(".EV")]
    assert_allclose(entry, 100 * observed("CN_CLEANTECH.X.USA.EV")[-24:] / total)


def test_adjusted_values_lack_the_effects_of_the_decomposition(client: TestClient, world: World) -> None:
    url = f"/v1/runs/{world.trade.run_id}/components"
    parts = pd.DataFrame(client.get(url, params={"flow": "X"}).json()["series"][0]["months"]).set_index("month")
    months = pd.period_range("2022-01", "2025-12", freq="M").astype(str)
    known = pd.Series(observed("CN_TRADE.X.WLD.TOTAL"), index=months)
    seasonal, calendar = 1 + parts["seasonal"] / 100, 1 + parts["calendar"] / 100
    for removed, factor in (("seasonal", seasonal), ("calendar", calendar), ("seasonal,calendar", seasonal * calendar)):
        found = answer(client, TRADE, flow="X", adjusted=removed)
        expected = (known / factor).dropna()
        assert_allclose([row["value"] for row in found["observations"][-len(expected) :]], expected, rtol=1e-6)
        assert found["observations"][0]["reason"] in (None, "2022-01 is not decomposed")
        assert found["adjustment"]["run"] == world.trade.run_id
        assert found["observations"][0]["adjusted"] == "+".join(sorted(removed.split(",")))


def test_an_adjusted_balance_is_the_difference_of_adjusted_flows(client: TestClient) -> None:
    exports, imports, balance = (
        values(client, TRADE, flow=flow, adjusted="seasonal", frequency="Q") for flow in ("X", "M", "B")
    )
    both = [(x, m, b) for x, m, b in zip(exports, imports, balance, strict=True) if b is not None]
    assert len(both) == 12
    assert_allclose([x - m for x, m, _ in both], [b for *_, b in both])


def test_a_series_without_decomposition_has_no_adjusted_values(scratch: World) -> None:
    with scratch.engine.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM decomposition WHERE series_id = (SELECT id FROM series WHERE flow = 'M')"
        )
    rows = answer(client_of(scratch), TRADE, flow="M", adjusted="seasonal")["observations"]
    assert {row["value"] for row in rows} == {None}
    assert {row["reason"] for row in rows} == {
        f"CN_TRADE.M.WLD.TOTAL has no decomposition in run {scratch.trade.run_id}"
    }


def test_history_and_forecasts_join_in_one_call(client: TestClient) -> None:
    params = {"flow": "B", "frequency": "Q", "units": "ch1"}
    (series,) = answer(client, "/v1/datasets/CN_TRADE/forecasts", include="history", **params)["series"]
    history = series["history"]
    assert [row["value"] for row in history] == pytest.approx(values(client, TRADE, **params))
    assert (history[-1]["period"], series["months"][0]["period"]) == ("2025-Q4", "2026-Q1")
    without = answer(client, "/v1/datasets/CN_TRADE/forecasts", **params)["series"][0]
    assert without == {name: value for name, value in series.items() if name != "history"}


@pytest.mark.parametrize("more", [{}, {"units": "pc1"}, {"quantile": 0.1}])
def test_a_table_has_history_before_the_forecasts_of_each_series(client: TestClient, more: dict[str, Any]) -> None:
    params = {"format": "csv", "include": "history", **more}
    rows = pd.read_csv(io.StringIO(client.get("/v1/datasets/CN_CLEANTECH/forecasts", params=params).text))
    for _, mine in rows.groupby("unique_id"):
        assert mine["month"].is_monotonic_increasing
        assert (mine["value"].isna() | mine["mean"].isna()).all()
        assert mine["step"].min() == -47
        assert list(mine["date"]) == [f"{month}-01" for month in mine["month"]]
    assert rows["unique_id"].nunique() == 12


def test_pages_join_to_the_whole(client: TestClient) -> None:
    whole = answer(client, CLEAN, frequency="Q", partner="USA,EU27", start="2023-04")
    pages, url = [], f"{CLEAN}?frequency=Q&partner=USA,EU27&start=2023-04&limit=7"
    while url:
        page = answer(client, url)
        pages += page["observations"]
        url = page["next"]
    assert (pages, whole["total"]) == (whole["observations"], 2 * 3 * 11)


def test_a_combined_february_counts_in_its_sum_alone(scratch: World) -> None:
    body = "month,flow,partner,sector,value,months\n2026-02,X,WLD,TOTAL,500,2\n2026-03,X,WLD,TOTAL,300,1\n"
    client = client_of(scratch, now=lambda: TODAY + timedelta(days=100))
    sent = client.post(TRADE, content=body, headers=scratch.headers("write") | {"Content-Type": "text/csv"})
    assert sent.status_code == 201, sent.text
    assert values(client, TRADE, flow="X", frequency="JF", start="2026-01") == [500.0]
    assert values(client, TRADE, flow="X", frequency="Q", start="2026-01") == [800.0]
    february = answer(client, TRADE, flow="X", units="pc1", start="2026-02", end="2026-02")["observations"][0]
    assert february["value"] is None
    assert "one figure" in february["reason"]


def test_a_client_that_has_the_values_gets_304_until_they_change(scratch: World) -> None:
    client, url = client_of(scratch), f"{TRADE}?flow=X&adjusted=seasonal"
    tag = client.get(url).headers["etag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
    body = "month,flow,partner,sector,value\n2026-01,X,WLD,TOTAL,321.4\n"
    client.post(TRADE, content=body, headers=scratch.headers("write") | {"Content-Type": "text/csv"})
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"units": "pc1", "updated_after": "2026-01-01"}, "updated_after"),
        ({"frequency": "JF", "units": "pch"}, "no period before"),
        ({"flow": "B", "units": "share"}, "not defined for flow B"),
        ({"of": "partner"}, "units=share"),
        ({"adjusted": "wind"}, "adjusted"),
    ],
)
def test_questions_without_an_answer_are_refused(client: TestClient, params: dict[str, str], words: str) -> None:
    response = client.get(TRADE, params=params)
    assert response.status_code == 422
    assert words in response.json()["detail"]
