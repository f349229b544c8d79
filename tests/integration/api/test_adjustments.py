"""Adjustments over HTTP: applied beside the statistical forecast, carried to later runs, and scored by author."""

from datetime import date
from typing import Any

import pytest
from sqlmodel import Session

from store.queries import api_keys
from tests.integration.api.test_stored_scenarios import Desk, desk, first_desk, observations  # noqa: F401
from tests.support.factories import NOW

RUN = "/v1/runs/1"
FALL = {"series": "X.USA", "period": "2026", "units": "pc1", "value": -10, "author": "Ada", "reason": "Tariffs"}
CODES = ("WLD", "EU27", "DEU", "FRA", "EU27_REST", "USA", "RST")


def adjust(desk: Desk, run: int = 1, **stated: Any) -> dict[str, Any]:  # noqa: F811
    response = desk.client.post(f"/v1/runs/{run}/adjustments", json=FALL | stated, headers=desk.key)
    assert response.status_code == 201, response.text
    return dict(response.json())


def years(desk: Desk, view: str, **query: Any) -> dict[str, Any]:  # noqa: F811
    terms = {"frequency": "A", "horizon": 12, "view": view, "level": 80, "limit": 100} | query
    answer = desk.get(f"{RUN}/forecasts", **terms)
    return {series["partner"]: series["months"][0] for series in answer["series"]}


def test_judgement_stands_beside_the_statistical_forecast_and_parts_add_up(desk: Desk) -> None:  # noqa: F811
    before = years(desk, "statistical")
    stored = adjust(desk)
    assert (stored["author"], stored["why"], stored["ends"]) == ("Ada", "Tariffs", "2026-12")
    assert years(desk, "statistical") == before
    growth = years(desk, "judgement", units="pc1")["USA"]
    assert growth["mean"] == pytest.approx(-10, abs=0.01)
    assert growth["intervals"][0]["hi"] == pytest.approx(growth["intervals"][0]["lo"], abs=0.01)
    judged = years(desk, "judgement")
    assert judged["USA"]["mean"] != pytest.approx(before["USA"]["mean"], rel=1e-3)
    assert sum(judged[code]["mean"] for code in ("EU27", "USA", "RST")) == pytest.approx(
        judged["WLD"]["mean"], rel=1e-5
    )
    assert sum(judged[code]["mean"] for code in ("DEU", "FRA", "EU27_REST")) == pytest.approx(
        judged["EU27"]["mean"], rel=1e-5
    )
    answer = desk.get(f"{RUN}/forecasts", view="judgement", partner="USA")
    assert (answer["view"], [applied["id"] for applied in answer["adjustments"]]) == ("judgement", [stored["id"]])
    months = [month["mean"] for month in answer["series"][0]["months"][:12]]
    assert sum(months) == pytest.approx(judged["USA"]["mean"], rel=1e-6)
    response = desk.client.get(f"{RUN}/forecasts", params={"view": "judgement"})
    assert response.headers["cache-control"] == "no-store"


def test_without_adjustments_judgement_is_the_statistical_forecast(desk: Desk) -> None:  # noqa: F811
    plain, judged = (years(desk, view) for view in ("statistical", "judgement"))
    assert judged == plain


def test_a_tilt_keeps_the_uncertainty(desk: Desk) -> None:  # noqa: F811
    before = years(desk, "statistical")["USA"]
    adjust(desk, units="lin", value=None, mean=1.0005 * before["mean"])
    after = years(desk, "judgement")["USA"]
    assert after["mean"] == pytest.approx(1.0005 * before["mean"], rel=1e-3)
    assert after["intervals"][0]["hi"] > after["intervals"][0]["lo"]


def test_an_adjustment_applies_until_it_expires_is_withdrawn_or_is_observed(desk: Desk) -> None:  # noqa: F811
    lasting = adjust(desk)["id"]
    adjust(desk, series="X.FRA", value=3, expires="2026-02-15")
    adjust(desk, series="X.DEU", value=3, period="2026-Q1")
    second = desk.publish("2026-01", date(2026, 2, 10))
    third = desk.publish("2026-03", date(2026, 4, 10))

    def applied(run: int) -> list[int]:
        return [found["id"] for found in desk.get(f"/v1/runs/{run}/adjustments")["adjustments"]]

    assert (applied(1), applied(second), applied(third)) == ([1, 2, 3], [1, 2, 3], [1])
    judged = desk.get(f"/v1/runs/{third}/forecasts", view="judgement", partner="USA", period="2026", units="pc1")
    assert judged["series"][0]["months"][0]["mean"] == pytest.approx(-10, abs=0.01)
    response = desk.client.delete(f"/v1/adjustments/{lasting}", headers=desk.key)
    assert response.json()["withdrawn_at"] is not None
    assert applied(third) == []


def test_both_views_are_scored_by_author_when_the_outcome_is_known(desk: Desk) -> None:  # noqa: F811
    actual = observations("2026-01").query("partner == 'USA' and month == '2026-01'")["value"].astype(float).item()
    adjust(desk, period="2026-01", units="lin", value=actual, author="Ada")
    worse = adjust(desk, series="X.FRA", period="2026-01", units="lin", value=1.0, author="Bob")
    desk.client.delete(f"/v1/adjustments/{worse['id']}", headers=desk.key)
    assert desk.get("/v1/datasets/PARTNERS/adjustments/authors")["authors"] == []
    desk.publish("2026-01", date(2026, 2, 10))
    ada, bob = desk.get("/v1/datasets/PARTNERS/adjustments/authors")["authors"]
    assert (ada["author"], ada["n"], ada["value_added"], ada["share_better"]) == (
        "Ada",
        1,
        pytest.approx(100, abs=0.01),
        1.0,
    )
    assert (bob["author"], bob["share_better"]) == ("Bob", 0.0)
    assert bob["value_added"] < 0
    (tracked,) = desk.get("/v1/datasets/PARTNERS/adjustments", author="Ada")["adjustments"]
    assert tracked["actual"] == actual
    assert tracked["statistical_error"] == pytest.approx(abs(actual - tracked["statistical_median"]))
    assert tracked["judgement_wis"] < tracked["statistical_wis"]
    assert desk.client.get("/v1/datasets/PARTNERS/adjustments?format=csv").text.startswith("id,dataset,run,author")


def test_an_adjustment_is_refused_with_the_reason(desk: Desk) -> None:  # noqa: F811
    url = f"{RUN}/adjustments"
    with Session(desk.engine) as session:
        writer = api_keys.create(session, name="writer", scopes=["write"], now=NOW)
        session.commit()

    def refused(status: int, words: str, **stated: Any) -> None:
        response = desk.client.post(url, json=FALL | stated, headers=desk.key)
        assert (response.status_code, words in response.text) == (status, True), response.text

    assert desk.client.post(url, json=FALL).status_code == 401
    assert desk.client.post(url, json=FALL, headers={"X-API-Key": writer}).status_code == 403
    refused(422, "reason", reason="")
    refused(422, "is over", period="2025")
    refused(422, "one period", value=None, values=[1.0], period="2026-01")
    adjust(desk)
    refused(422, "X.USA in 2026", value=5)
    desk.publish("2026-01", date(2026, 2, 10))
    refused(409, "superseded by run 2", series="X.FRA")
    assert desk.client.get("/v1/adjustments/99").status_code == 404
    coverage = desk.client.get(f"{RUN}/forecasts", params={"view": "judgement", "coverage": "true"})
    assert coverage.status_code == 422
