"""The pages of scenarios: built, mailed, stored and compared, with the figures of the API."""

import io
import re
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest

from jobs.retention import prune
from presentation import formatting
from tests.integration.api.test_stored_scenarios import Desk, desk, first_desk  # noqa: F401

FALL = {"dataset": "PARTNERS", "partner": "USA", "period": "2026", "kind": "growth", "value": "-20"}


def page(desk: Desk, path: str = "/scenarios", **query: Any) -> str:  # noqa: F811
    response = desk.client.get(path, params=query or None)
    assert response.status_code == 200, response.text
    return str(response.text).replace(formatting.NBSP, " ")


def effects(desk: Desk, **query: Any) -> pd.DataFrame:  # noqa: F811
    response = desk.client.get("/scenarios", params=query | {"section": "effects", "save": "csv"})
    return pd.read_csv(io.BytesIO(response.content)).set_index("series")


def test_a_form_builds_a_scenario_with_the_figures_of_the_api(desk: Desk) -> None:  # noqa: F811
    table = effects(desk, **FALL)
    assert table.loc["United States", "growth_scenario"] == pytest.approx(-20, abs=0.01)
    condition = {"series": "X.USA", "period": "2026", "units": "pc1", "value": -20}
    body = {"name": "x", "conditions": [condition], "report": [{"series": "X.WLD"}]}
    answer = desk.client.post("/v1/datasets/PARTNERS/scenarios", json=body).json()
    assert table.loc["World", "scenario"] == pytest.approx(answer["results"][0]["scenario"]["median"])
    html = page(desk, **FALL)
    assert "Exports to United States: growth of −20 % in 2026" in html
    assert "Gaussian conditional on the arsinh scale" in html


def test_the_form_asks_before_it_computes(desk: Desk) -> None:  # noqa: F811
    html = page(desk, dataset="PARTNERS")
    assert 'id="answer"' not in html
    examples = re.findall(r'href="(/scenarios\?dataset=PARTNERS[^"]*value=[^"]*)"', html)
    assert len(examples) == 3
    for example in examples:
        assert 'id="answer"' in page(desk, example.replace("&amp;", "&"))


def test_the_mailed_link_shows_the_same_result_after_a_new_run(desk: Desk) -> None:  # noqa: F811
    html = page(desk, **FALL)
    (mail,) = re.findall(r'href="(mailto:[^"]+)"', html)
    (link,) = re.findall(r"http://testserver(/\S+)", unquote(mail.replace("&amp;", "&")))
    answer = re.compile(r'id="answer"><strong>(.*?)</strong>')
    desk.publish("2026-01", date(2026, 2, 10))
    assert answer.findall(page(desk, link)) == answer.findall(html)


@pytest.mark.parametrize(
    ("kind", "value", "period"),
    [
        *(("expected", "2", "2026"), ("least", "8", "2026"), ("most", "-4", "2026")),
        *(("level", "300", "2026"), ("shock", "-10", "2026-03"), ("tariff", "25", "2026-03")),
    ],
)
def test_every_kind_of_statement_is_answered(desk: Desk, kind: str, value: str, period: str) -> None:  # noqa: F811
    table = effects(desk, **FALL | {"kind": kind, "value": value, "period": period})
    assert table["change"].abs().to_dict()["United States"] > 0


def test_an_impossible_statement_is_refused_on_a_page(desk: Desk) -> None:  # noqa: F811
    response = desk.client.get("/scenarios", params=FALL | {"kind": "level", "value": "-5"})
    assert (response.status_code, "cannot be -5" in response.text) == (422, True)
    shock = {"kind": "shock", "period": "2025-01"}
    assert desk.client.get("/scenarios", params=FALL | {"kind": "growth", "period": "2025"}).status_code == 422
    assert desk.client.get("/scenarios", params=FALL | shock).status_code == 200


def test_a_scenario_is_stored_from_the_page_by_a_key_that_judges(desk: Desk) -> None:  # noqa: F811
    key = desk.key["Authorization"].removeprefix("Bearer ")
    form = FALL | {"author": "Ada", "reason": "The truce ends", "name": "Truce ends"}
    assert desk.client.post("/scenarios", data=form | {"key": "tw_wrong"}).status_code == 401
    assert desk.client.post("/scenarios", data=form | {"key": key, "author": ""}).status_code == 422
    stored = desk.client.post("/scenarios", data=form | {"key": key}, follow_redirects=False)
    assert (stored.status_code, stored.headers["location"]) == (303, "/scenarios/1")
    html = page(desk, "/scenarios/1")
    for words in (
        "Truce ends",
        "Ada",
        "The truce ends",
        "mailto:",
        "until December 2026 is observed",
        "X.USA.TOTAL in 2026, pc1: value −20",
    ):
        assert words in html
    assert "Truce ends" in page(desk, dataset="PARTNERS")
    stored_effects = desk.client.get("/scenarios/1", params={"section": "effects", "save": "csv"})
    table = pd.read_csv(io.BytesIO(stored_effects.content)).set_index("series")
    pd.testing.assert_frame_equal(table, effects(desk, **FALL))


def test_stored_scenarios_share_one_chart(desk: Desk) -> None:  # noqa: F811
    condition = {"series": "X.USA", "period": "2026", "units": "pc1", "value": -10}
    desk.store(conditions=[condition])
    desk.store(name="Truce holds, 5 % more", conditions=[condition | {"value": 5}])
    query = {"scenario": ["1", "2"], "section": "forecasts", "save": "csv"}
    saved = desk.client.get("/scenarios/comparison", params=query)
    table = pd.read_csv(io.BytesIO(saved.content))
    assert set(table["forecast"]) == {"Baseline", "1: Truce ends", "2: Truce holds, 5 % more"}
    for path in ("/scenarios?dataset=PARTNERS", "/scenarios/2", "/scenarios/comparison?scenario=1,2"):
        assert f"holds, 5{formatting.NBSP}% more</" in desk.client.get(path).text
    html = page(desk, "/scenarios/comparison", scenario="1,2", shown="USA")
    assert "1: Truce ends" in html
    assert html.count("baseline USD") == 2


def test_a_scenario_that_is_over_keeps_its_page_after_its_run_is_thinned(desk: Desk) -> None:  # noqa: F811
    desk.store(conditions=[{"series": "X.USA", "period": "2026-01", "units": "pc1", "value": -10}])
    for until, day in (("2026-01", 10), ("2026-02", 11), ("2026-03", 12)):
        desk.publish(until, date(2026, 4, day))
    over = desk.client.get("/scenarios/comparison", params={"scenario": 1})
    assert (over.status_code, "is over" in over.text) == (422, True)
    assert 'id="answer"' in page(desk, "/scenarios/1")
    assert prune(desk.engine, keep_runs=2, keep_months=0, now=datetime(2026, 5, 1, tzinfo=UTC))[0].thinned == 2
    html = page(desk, "/scenarios/1")
    assert "The stored results remain" in html
    assert "Runs so far" in html
    assert "The scenario is over" in html
