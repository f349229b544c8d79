"""Probabilities and concentration, from joint paths."""

import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from api.rest.schemas.concentration import ConcentrationAnswer
from api.rest.schemas.forecasts import ProbabilityAnswer
from tests.integration.api.conftest import World
from tests.support.answers import validate
from tests.support.half_year_world import Half, Halves, halves_of

X, M = "CN_TRADE.X.WLD.TOTAL", "CN_TRADE.M.WLD.TOTAL"
EV = "CN_CLEANTECH.X.{}.EV"


@pytest.fixture(scope="module")
def halves(original: World, server_url: str) -> Iterator[Halves]:
    with halves_of(original, server_url) as halves:
        yield halves


def ask(halves: Halves, half: Half, **params: Any) -> dict[str, Any]:
    url = f"/v1/datasets/{half.run.dataset}/forecasts/probability"
    response = halves.client.get(url, params={"run": half.run.run_id, **params})
    assert response.status_code == 200, response.text
    validate(ProbabilityAnswer, response.json())
    return dict(response.json())


def test_the_chance_that_a_year_s_balance_passes_a_number(halves: Halves) -> None:
    draws = halves.trade.draws(X, "2025") - halves.trade.draws(M, "2025")
    threshold = float(np.quantile(draws, 0.7))
    found = ask(halves, halves.trade, flow="B", period="2025", above=threshold)
    assert found["probability"] == pytest.approx(float((draws > threshold).mean()))
    assert 0.2 < found["probability"] < 0.4
    assert (found["draws"], found["unit"], found["above"], found["below"]) == (40, "USD bn", threshold, None)
    assert found["standard_error"] == pytest.approx(np.sqrt(0.3 * 0.7 / 40), rel=0.1)
    assert (found["period"], found["months"], found["observed_months"], found["step"]) == ("2025", 12, 7, 5)
    assert found["median"] == pytest.approx(float(np.median(draws)), rel=1e-5)
    assert [part["sign"] for part in found["parts"]] == [1, -1]


@pytest.mark.parametrize(
    ("period", "base"),
    [
        ("2026", "2025"),
        ("2026-Q1", "2025-Q1"),
        ("2025-11", "2024-11"),
        ("2026-01/2026-02", "2025-01/2025-02"),
        ("2025-06/2025-09", "2024-06/2024-09"),
    ],
)
def test_the_chance_that_a_group_sells_less_than_the_year_before(halves: Halves, period: str, base: str) -> None:
    now, before = (
        halves.clean.draws(EV.format("DEU"), when) + halves.clean.draws(EV.format("FRA"), when)
        for when in (period, base)
    )
    found = ask(halves, halves.clean, partner="EU27", sector="EV", period=period, units="pc1", below=0)
    assert found["probability"] == pytest.approx(float((now <= before).mean()))
    assert (found["unit"], found["period"]) == ("%", period)
    assert found["median"] == pytest.approx(float(np.median(100 * (now / before - 1))), rel=1e-4)


def test_chances_above_between_and_below_add_up_to_one(halves: Halves) -> None:
    parameters = {"flow": "X", "period": "2026-Q2"}
    levels = ask(halves, halves.trade, **parameters, above=0, level=50)["intervals"][0]
    low, high = levels["lo"], levels["hi"]
    chances = [
        ask(halves, halves.trade, **parameters, **event)["probability"]
        for event in ({"below": low}, {"above": low, "below": high}, {"above": high})
    ]
    assert sum(chances) == pytest.approx(1.0)
    assert_allclose(chances, [0.25, 0.5, 0.25], atol=1 / 40)


def test_the_chance_agrees_with_the_quantiles_of_the_forecast(halves: Halves) -> None:
    parameters = {"flow": "X", "period": "2026", "units": "pc1"}
    quantiles = ask(halves, halves.trade, **parameters, above=0, quantile="0.1,0.25,0.75,0.9")["quantiles"]
    chances = [ask(halves, halves.trade, **parameters, below=entry["value"])["probability"] for entry in quantiles]
    assert_allclose(chances, [entry["probability"] for entry in quantiles], atol=1 / 40)
    assert all(entry <= other for entry, other in pairwise(chances))


def test_the_chance_of_a_share(halves: Halves) -> None:
    share = 100 * halves.clean.draws(EV.format("USA"), "2026") / halves.clean.draws(EV.format("WLD"), "2026")
    parameters = {"partner": "USA", "sector": "EV", "period": "2026", "units": "share", "of": "sector"}
    found = ask(halves, halves.clean, **parameters, above=100)
    assert found["probability"] == pytest.approx(float((share > 100).mean()))
    assert (found["unit"], found["of"]) == ("%", "sector")


def test_a_chance_without_an_answer_is_null_with_its_reason(halves: Halves) -> None:
    found = ask(halves, halves.trade, flow="B", period="2026-Q1", units="log", above=0)
    assert (found["probability"], found["standard_error"], found["draws"]) == (None, None, None)
    assert "is zero or below" in found["reason"]


def test_a_chance_as_csv_is_a_row_a_level(halves: Halves) -> None:
    parameters = {"flow": "X", "period": "2026", "above": 1200, "run": halves.trade.run.run_id, "level": "50,80"}
    text = halves.client.get("/v1/datasets/CN_TRADE/forecasts/probability", params={**parameters, "format": "csv"}).text
    rows = pd.read_csv(io.StringIO(text))
    assert rows["level"].tolist() == [50, 80]
    found = ask(halves, halves.trade, **parameters)
    assert_allclose(rows["probability"], found["probability"])
    assert set(rows["above"]) == {1200}
    assert rows["below"].isna().all()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"flow": "X", "period": "2026"}, "above, below, or both"),
        ({"flow": "X", "period": "2026", "above": 2, "below": 1}, "nothing between them"),
        ({"flow": "X", "period": "2026", "above": "inf"}, "above"),
        ({"flow": "X", "period": "26", "above": 1}, "a period is written"),
        ({"flow": "X", "above": 1}, "period"),
        ({"flow": "X", "period": "2024", "above": 1}, "has observed every month up to 2025-07"),
        ({"flow": "X", "period": "2025-07", "above": 1}, "is over"),
        ({"flow": "X", "period": "2027", "above": 1}, "ends after 2027-07"),
        ({"flow": "X", "period": "2026-01/2026-02", "units": "pch", "above": 1}, "no period before"),
        ({"flow": "B", "period": "2026", "units": "share", "above": 1}, "not defined for flow B"),
        ({"period": "2026", "above": 1}, "2 were selected"),
        ({"flow": "X", "period": "2026", "above": 1, "horizon": 3}, "horizon"),
    ],
)
def test_a_chance_that_cannot_be_is_refused_with_its_reason(halves: Halves, params: dict[str, Any], words: str) -> None:
    parameters = {"run": halves.trade.run.run_id, **params}
    response = halves.client.get("/v1/datasets/CN_TRADE/forecasts/probability", params=parameters)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]


def test_an_unknown_series_is_not_found(halves: Halves) -> None:
    parameters = {"partner": "XXX", "period": "2027", "above": 1}
    assert halves.client.get("/v1/datasets/CN_TRADE/forecasts/probability", params=parameters).status_code == 404


def concentrate(halves: Halves, half: Half, **params: Any) -> dict[str, Any]:
    url = f"/v1/datasets/{half.run.dataset}/forecasts/concentration"
    response = halves.client.get(url, params={"run": half.run.run_id, **params})
    assert response.status_code == 200, response.text
    validate(ConcentrationAnswer, response.json())
    return dict(response.json())


def slow_index(half: Half, whole: str, parts: list[str], period: str) -> Any:
    """Draws of the index, moved to the index of the expected shares."""
    shares = [100 * half.draws(part, period) / half.draws(whole, period) for part in parts]
    index = np.square(shares).sum(axis=0)
    return index - index.mean() + sum(share.mean() ** 2 for share in shares)


def test_concentration_over_partners_counts_single_partners_with_shares_of_the_world(halves: Halves) -> None:
    found = concentrate(halves, halves.clean, over="partner", sector="EV", frequency="A", level=80)
    parts = [EV.format(partner) for partner in ("DEU", "FRA", "USA")]
    assert (found["parts"], found["whole"]) == (parts, EV.format("WLD"))
    index = slow_index(halves.clean, EV.format("WLD"), parts, "2026")
    (row,) = [row for row in found["months"] if row["period"] == "2026"]
    assert_allclose([row["mean"], row["median"]], [index.mean(), np.median(index)], rtol=1e-5)
    bounds = [row["intervals"][0]["lo"], row["intervals"][0]["hi"]]
    assert_allclose(bounds, np.quantile(index, [0.1, 0.9]), rtol=1e-5)
    assert found["unit"] == "HHI points"


def test_the_largest_parts_have_the_largest_expected_shares(halves: Halves) -> None:
    found = concentrate(halves, halves.clean, over="partner", sector="EV", frequency="A", level=80)
    (row,) = [row for row in found["months"] if row["period"] == "2026"]
    shares = [part["share"] for part in row["largest"]]
    assert shares == sorted(shares, reverse=True)
    assert [top["number"] for top in row["top"]] == [1, 3, 5]
    assert row["top"][0]["share"] == pytest.approx(shares[0])
    assert row["top"][1]["share"] == pytest.approx(sum(shares[:3]), rel=1e-6)
    assert row["counted_share"] == pytest.approx(row["top"][2]["share"], rel=1e-6)
    assert row["mean"] == pytest.approx(sum(part["points"] for part in row["largest"]), rel=1e-6)
    for part in row["largest"]:
        assert part["intervals"][0]["lo"] <= part["share"] <= part["intervals"][0]["hi"]


@pytest.mark.parametrize(("frequency", "history", "number"), [("M", 6, 6), ("Q", 12, 4), ("A", 24, 2), ("M", 0, 0)])
def test_observed_concentration_is_beside_the_forecast(
    halves: Halves, frequency: str, history: int, number: int
) -> None:
    found = concentrate(halves, halves.clean, over="partner", sector="EV", frequency=frequency, history=history)
    assert len(found["history"]) == number
    for row in found["history"]:
        assert row["index"] == pytest.approx(sum(part["share"] ** 2 for part in row["largest"]))
        assert row["top"][0]["intervals"] == []


def test_concentration_over_sectors_counts_sectors_with_shares_of_the_partner_s_total(halves: Halves) -> None:
    found = concentrate(halves, halves.clean, over="sector", partner="USA", frequency="Q")
    parts = [f"CN_CLEANTECH.X.USA.{sector}" for sector in ("BATTERIES", "EV")]
    assert found["parts"] == parts
    index = slow_index(halves.clean, "CN_CLEANTECH.X.USA.TOTAL", parts, "2025-Q3")
    assert_allclose(found["months"][0]["mean"], index.mean(), rtol=1e-5)
    assert found["months"][0]["observed_months"] == 1


def test_concentration_of_a_group_over_sectors_adds_its_members_up(halves: Halves) -> None:
    found = concentrate(halves, halves.clean, over="sector", partner="EU27", frequency="A")
    assert found["parts"] == [f"CN_CLEANTECH.X.EU27.{sector}" for sector in ("BATTERIES", "EV")]
    assert found["months"][0]["reason"] is None


def test_concentration_as_csv_has_the_columns_of_forecasts(halves: Halves) -> None:
    parameters = {"over": "partner", "run": halves.clean.run.run_id, "format": "csv", "horizon": 2, "level": 80}
    rows = pd.read_csv(
        io.StringIO(halves.client.get("/v1/datasets/CN_CLEANTECH/forecasts/concentration", params=parameters).text)
    )
    assert set(rows["unique_id"]) == {"CN_CLEANTECH.X.*.TOTAL"}
    assert rows["period"].tolist() == ["2025-08", "2025-09"]


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({}, 422, "over"),
        ({"over": "partner", "partner": "USA"}, 422, "leave partner out"),
        ({"over": "sector", "sector": "EV"}, 422, "leave sector out"),
        ({"over": "sector", "flow": "B"}, 422, "flow"),
        ({"over": "partner", "horizon": 25}, 422, "beyond the 24 months"),
        ({"over": "partner", "units": "pc1"}, 422, "units"),
        ({"over": "partner", "sector": "XX"}, 404, "has no series"),
    ],
)
def test_a_concentration_that_cannot_be_is_refused_with_its_reason(
    halves: Halves, params: dict[str, Any], status: int, words: str
) -> None:
    parameters = {"run": halves.clean.run.run_id, **params}
    response = halves.client.get("/v1/datasets/CN_CLEANTECH/forecasts/concentration", params=parameters)
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


def test_wholes_alone_have_no_concentration(halves: Halves) -> None:
    response = halves.client.get("/v1/datasets/CN_TRADE/forecasts/concentration", params={"over": "partner"})
    assert response.status_code == 422
    assert "no single partner" in response.json()["detail"]


@pytest.mark.parametrize(
    "parameters", ["probability?flow=X&period=2026-03&above=1", "concentration?over=sector&partner=USA"]
)
def test_an_answer_the_client_has_is_not_sent_again(halves: Halves, parameters: str) -> None:
    url = f"/v1/datasets/CN_CLEANTECH/forecasts/{parameters}" + (
        "&partner=USA&sector=EV" if "period" in parameters else ""
    )
    first = halves.client.get(url)
    assert first.status_code == 200, first.text
    assert halves.client.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
