"""Forecasts in other frequencies and units, from joint paths and the months observed."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose

from api.rest.schemas.forecasts import ForecastPage
from tests.integration.api.conftest import World
from tests.support.answers import validate
from tests.support.half_year_world import Half, Halves, halves_of, row_of

TRADE = "/v1/datasets/CN_TRADE/forecasts"
CLEAN = "/v1/datasets/CN_CLEANTECH/forecasts"
X, M = "CN_TRADE.X.WLD.TOTAL", "CN_TRADE.M.WLD.TOTAL"
USA_EV = "CN_CLEANTECH.X.USA.EV"


@pytest.fixture(scope="module")
def halves(original: World, server_url: str) -> Iterator[Halves]:
    with halves_of(original, server_url) as halves:
        yield halves


@pytest.fixture
def trade(halves: Halves) -> Half:
    return halves.trade


@pytest.fixture
def clean(halves: Halves) -> Half:
    return halves.clean


@pytest.fixture
def asking(halves: Halves) -> TestClient:
    return halves.client


def answer(client: TestClient, half: Half, **params: Any) -> dict[str, Any]:
    response = client.get(f"/v1/datasets/{half.run.dataset}/forecasts", params={"run": half.run.run_id, **params})
    assert response.status_code == 200, response.text
    validate(ForecastPage, response.json())
    return dict(response.json())


def only_series(client: TestClient, half: Half, **params: Any) -> dict[str, Any]:
    (series,) = answer(client, half, **params)["series"]
    return dict(series)


def assert_summarises(row: dict[str, Any], draws: Any, levels: tuple[float, ...] = (80, 95)) -> None:
    """A row has the statistics of the draws that an obvious calculation gives."""
    assert_allclose(row["mean"], np.mean(draws), rtol=1e-5)
    assert_allclose(row["median"], np.median(draws), rtol=1e-5)
    assert [interval["level"] for interval in row["intervals"]] == list(levels)
    for interval in row["intervals"]:
        tail = (100 - interval["level"]) / 200
        assert_allclose([interval["lo"], interval["hi"]], np.quantile(draws, [tail, 1 - tail]), rtol=1e-5)


def test_a_year_is_the_sum_of_its_months_and_says_how_many_are_observed(asking: TestClient, trade: Half) -> None:
    series = only_series(asking, trade, flow="X", frequency="A")
    assert [(row["period"], row["months"], row["observed_months"]) for row in series["months"]] == [
        ("2025", 12, 7),
        ("2026", 12, 0),
    ]
    assert_summarises(row_of(series, "2025"), trade.draws(X, "2025"))
    assert (row_of(series, "2025")["month"], row_of(series, "2025")["step"]) == ("2025-12", 5)


def test_quarters_the_year_to_date_and_january_with_february_are_sums_too(asking: TestClient, trade: Half) -> None:
    quarters = only_series(asking, trade, flow="X", frequency="Q")
    assert [row["period"] for row in quarters["months"]][:2] == ["2025-Q3", "2025-Q4"]
    assert_summarises(row_of(quarters, "2025-Q3"), trade.draws(X, "2025-Q3"))
    assert row_of(quarters, "2025-Q3")["observed_months"] == 1
    to_date = only_series(asking, trade, flow="X", frequency="YTD")
    assert len(to_date["months"]) == 24
    assert_summarises(row_of(to_date, "2025-01/2025-09"), trade.draws(X, "2025-01/2025-09"))
    both = only_series(asking, trade, flow="X", frequency="JF")
    assert [row["period"] for row in both["months"]] == ["2026-01/2026-02", "2027-01/2027-02"]
    assert_summarises(row_of(both, "2026-01/2026-02"), trade.draws(X, "2026-01/2026-02"))


def test_a_balance_and_a_group_are_summed_draw_by_draw(asking: TestClient, trade: Half, clean: Half) -> None:
    balance = only_series(asking, trade, flow="B", frequency="A")
    assert_summarises(row_of(balance, "2026"), trade.draws(X, "2026") - trade.draws(M, "2026"))
    group = only_series(asking, clean, partner="EU27", sector="EV", frequency="Q")
    members = [clean.draws(f"CN_CLEANTECH.X.{partner}.EV", "2026-Q2") for partner in ("DEU", "FRA")]
    assert_summarises(row_of(group, "2026-Q2"), sum(members))


@pytest.mark.parametrize(
    ("units", "unit"),
    [("chg", "USD bn"), ("pch", "%"), ("pc1", "%"), ("ch1", "USD bn"), ("log", "log USD bn")],
)
def test_units_are_those_of_fred(asking: TestClient, trade: Half, units: str, unit: str) -> None:
    found = answer(asking, trade, flow="X", frequency="Q", units=units, level=66.6)
    (series,) = found["series"]
    now, before, year_ago = (trade.draws(X, period) for period in ("2025-Q4", "2025-Q3", "2024-Q4"))
    expected = {
        "chg": now - before,
        "pch": (now / before - 1) * 100,
        "pc1": (now / year_ago - 1) * 100,
        "ch1": now - year_ago,
        "log": np.log(now),
    }
    assert_summarises(row_of(series, "2025-Q4"), expected[units], levels=(66.6,))
    assert (found["unit"], series["unit"]) == (unit, unit)
    assert (found["frequency"], found["units"], found["of"]) == ("Q", units, None)


def test_growth_of_a_month_is_on_the_month_observed_a_year_ago(asking: TestClient, trade: Half) -> None:
    series = only_series(asking, trade, flow="X", units="pc1")
    assert len(series["months"]) == 24
    assert_summarises(row_of(series, "2025-08"), trade.growth(X, "2025-08", "2024-08"))
    assert_summarises(row_of(series, "2027-07"), trade.growth(X, "2027-07", "2026-07"))


@pytest.mark.parametrize(
    ("of", "whole"),
    [
        ("partner", "CN_CLEANTECH.X.USA.TOTAL"),
        ("sector", "CN_CLEANTECH.X.WLD.EV"),
        ("total", "CN_CLEANTECH.X.WLD.TOTAL"),
        (None, "CN_CLEANTECH.X.WLD.TOTAL"),
    ],
)
def test_a_share_and_a_contribution_are_of_the_total_named(
    asking: TestClient, clean: Half, of: str | None, whole: str
) -> None:
    params = {"partner": "USA", "sector": "EV", "frequency": "A"} | ({"of": of} if of else {})
    share = only_series(asking, clean, units="share", **params)
    assert_summarises(row_of(share, "2025"), 100 * clean.draws(USA_EV, "2025") / clean.draws(whole, "2025"))
    contribution = answer(asking, clean, units="contribution", **params)
    change = clean.draws(USA_EV, "2025") - clean.draws(USA_EV, "2024")
    assert_summarises(row_of(contribution["series"][0], "2025"), 100 * change / clean.draws(whole, "2024"))
    assert (contribution["unit"], contribution["of"]) == ("percentage points", of or "total")


def test_quantiles_of_any_probability_stand_beside_the_levels(asking: TestClient, trade: Half) -> None:
    series = only_series(asking, trade, flow="X", frequency="A", quantile="0.9,0.123", level=50)
    draws = trade.draws(X, "2026")
    row = row_of(series, "2026")
    assert [quantile["probability"] for quantile in row["quantiles"]] == [0.123, 0.9]
    assert_allclose(
        [only_series["value"] for only_series in row["quantiles"]], np.quantile(draws, [0.123, 0.9]), rtol=1e-5
    )
    assert_summarises(row, draws, levels=(50,))


@pytest.mark.parametrize("quantile", [0.1, 0.101])
def test_plain_months_take_quantiles_and_change_nothing_else(asking: TestClient, trade: Half, quantile: float) -> None:
    plain = only_series(asking, trade, flow="X", level=80)
    parameters = only_series(asking, trade, flow="X", level=80, quantile=quantile)
    for before, after in zip(plain["months"], parameters["months"], strict=True):
        (found,) = after.pop("quantiles")
        assert_allclose(found["value"], np.quantile(trade.draws(X, after["month"]), quantile))
        assert (before["month"], before["mean"], before["median"]) == (after["month"], after["mean"], after["median"])
        assert_allclose(before["intervals"][0]["lo"], after["intervals"][0]["lo"])
        assert (found["value"] == after["intervals"][0]["lo"]) == (quantile == 0.1)


def test_the_plain_answer_is_what_it_was(asking: TestClient, trade: Half) -> None:
    found = answer(asking, trade, flow="X")
    assert {"frequency", "units", "of", "coverage"} & set(found) == set()
    assert set(found["series"][0]["months"][0]) == {"month", "step", "mean", "median", "intervals"}
    parameters = answer(asking, trade, flow="X", frequency="M", units="lin")
    assert parameters == found


def twelve(value: float) -> float:
    """A number to the significant digits of CSV."""
    return float(f"{value:.12g}")


def test_csv_and_json_hold_the_same_figures(asking: TestClient, clean: Half) -> None:
    params = {"partner": "USA,EU27", "frequency": "Q", "units": "pc1", "quantile": 0.3, "run": clean.run.run_id}
    text = asking.get(CLEAN, params={**params, "format": "csv"}).text
    rows = pd.read_csv(io.StringIO(text), float_precision="round_trip")
    assert list(rows) == [
        *("unique_id", "month", "step", "unit", "mean", "median", "level", "lo", "hi"),
        *("period", "months", "observed_months", "reason", "probability", "quantile"),
        *("dataset", "flow", "partner", "partner_name", "sector", "sector_name", "date", "status"),
    ]
    flat = [
        (
            series["unique_id"],
            row["period"],
            twelve(row["median"]),
            interval["level"],
            twelve(interval["lo"]),
            twelve(interval["hi"]),
        )
        for series in answer(asking, clean, **params)["series"]
        for row in series["months"]
        for interval in row["intervals"]
    ]
    intervals = rows[rows["level"].notna()][["unique_id", "period", "median", "level", "lo", "hi"]]
    assert [tuple(row) for row in intervals.itertuples(index=False)] == flat
    assert set(rows[rows["level"].isna()]["probability"]) == {0.3}


def test_a_horizon_that_ends_no_period_has_none(asking: TestClient, trade: Half) -> None:
    assert only_series(asking, trade, flow="X", frequency="A", horizon=4)["months"] == []


def test_what_has_no_answer_is_null_with_its_reason(asking: TestClient) -> None:
    response = asking.get(TRADE, params={"flow": "B", "units": "log", "frequency": "Q"})
    (series,) = response.json()["series"]
    assert series["months"][0]["mean"] is None
    assert series["months"][0]["intervals"][0] == {"level": 80.0, "lo": None, "hi": None}
    assert "is zero or below in" in series["months"][0]["reason"]
    assert response.status_code == 200
    assert "NaN" not in response.text


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"frequency": "W"}, "frequency"),
        ({"units": "percent"}, "units"),
        ({"units": "chg", "frequency": "YTD"}, "no period before"),
        ({"units": "pch", "frequency": "JF"}, "units=pc1"),
        ({"of": "partner"}, "goes with units=share"),
        ({"of": "world", "units": "share"}, "of"),
        ({"units": "share", "flow": "B"}, "not defined for flow B"),
        ({"quantile": 0}, "greater than 0"),
        ({"quantile": 1}, "less than 1"),
        ({"quantile": "nan"}, "quantile"),
        ({"frequency": "Q", "horizon": 7}, "beyond the 6 months"),
    ],
)
def test_bad_questions_are_refused_with_their_reason(asking: TestClient, params: dict[str, Any], words: str) -> None:
    response = asking.get(TRADE, params=params)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]


@pytest.mark.parametrize("units", ["lin", "pc1", "share"])
def test_a_period_is_answered_as_its_frequency_does(asking: TestClient, clean: Half, units: str) -> None:
    parameters = {"partner": "USA", "sector": "EV", "units": units, "coverage": True}
    years = only_series(asking, clean, **parameters, frequency="A")["months"]
    for year in years:
        page = answer(asking, clean, **parameters, period=year["period"])
        (row,) = page["series"][0]["months"]
        assert (row["period"], row["observed_months"]) == (year["period"], year["observed_months"])
        assert_allclose([row["median"], row["intervals"][0]["lo"]], [year["median"], year["intervals"][0]["lo"]])
        assert page["coverage"]["kind"] in ("year", "year_growth", None)
    assert only_series(asking, clean, partner="USA", sector="EV", period="2026-03")["months"][0]["period"] == "2026-03"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"period": "2026", "frequency": "A"}, "a period or a frequency, not both"),
        ({"period": "2026", "horizon": 3}, "a period or a horizon, not both"),
        ({"period": "2026", "horizon": 3, "format": "csv"}, "a period or a horizon, not both"),
        ({"period": "2020"}, "is over"),
        ({"period": "2040"}, "ends after"),
        ({"period": "soon"}, "a period is written"),
        ({"period": "2026-02/2026-07", "units": "pch"}, "has no period before"),
    ],
)
def test_a_period_must_be_one_that_is_to_come(
    asking: TestClient, clean: Half, params: dict[str, str], words: str
) -> None:
    response = asking.get(CLEAN, params={"run": clean.run.run_id, **params})
    assert response.status_code == 422
    assert words in response.json()["detail"]
