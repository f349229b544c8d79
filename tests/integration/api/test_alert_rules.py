"""Alert rules over HTTP, on the page and by command."""

import subprocess
from typing import Any

import pytest

from api.rest.schemas.alert_rules import AlertRuleAnswer, AlertRulePage
from tests.integration.api.conftest import World, client_of
from tests.support.answers import validate
from tests.support.command import run_command
from tests.support.documents import ROOT

URL = "/v1/alert-rules"
RULE = {"dataset": "CN_TRADE", "flow": "B", "period": "2026-01", "above": -1000.0, "probability": 0.9}


def test_a_rule_is_created_listed_and_deleted(scratch: World) -> None:
    client, headers = client_of(scratch), scratch.headers("write")
    created = client.post(URL, json=RULE, headers=headers)
    assert created.status_code == 201, created.text
    rule = created.json()
    validate(AlertRuleAnswer, rule)
    assert (rule["partner"], rule["sector"], rule["units"], rule["has_email"]) == ("WLD", "TOTAL", "lin", False)
    query = {"flow": "B", "period": "2026-01", "above": -1000.0}
    found = client.get("/v1/datasets/CN_TRADE/forecasts/probability", params=query).json()
    assert (rule["run"], rule["run_probability"]) == (found["run"]["id"], found["probability"])
    listed = client.get(URL, params={"dataset": "CN_TRADE"}).json()
    validate(AlertRulePage, listed)
    assert listed["rules"] == [rule]
    assert client.get(URL, params={"dataset": "CN_CLEANTECH"}).json()["total"] == 0
    assert client.delete(f"{URL}/{rule['id']}", headers=headers).status_code == 204
    assert client.delete(f"{URL}/{rule['id']}", headers=headers).status_code == 404
    assert client.get(URL).json()["rules"] == []


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"above": None}, 400, "give above, below, or both"),
        ({"below": -2000.0}, 400, "leave nothing between them"),
        ({"probability": 1.0}, 400, "less than 1"),
        ({"dataset": "NONE"}, 404, "no dataset is called NONE"),
        ({"partner": "DEU"}, 404, "no series"),
        ({"period": "2025-12"}, 422, "2025-12"),
        ({"email": "economist@example.org"}, 422, "TRADEWIND_SMTP_URL"),
        ({"email": "not an address"}, 400, "email"),
    ],
)
def test_a_rule_without_an_answer_is_refused(scratch: World, changes: dict[str, Any], status: int, detail: str) -> None:
    answer = client_of(scratch).post(URL, json=RULE | changes, headers=scratch.headers("write"))
    assert answer.status_code in (status, 422), answer.text
    assert detail in answer.json()["detail"]


def test_rules_need_a_key_to_be_written(scratch: World) -> None:
    client = client_of(scratch)
    assert client.post(URL, json=RULE).status_code == 401
    assert client.post(URL, json=RULE, headers=scratch.headers("read")).status_code == 403
    assert client.delete(f"{URL}/1").status_code == 401


def test_the_page_adds_a_rule_for_the_holder_of_a_key(scratch: World) -> None:
    client = client_of(scratch)
    assert "No rules yet." in client.get("/alerts").text
    form = {"dataset": "CN_TRADE", "flow": "B", "partner": "WLD", "sector": "TOTAL", "period": "2026-01"}
    form |= {"above": "-1,000", "below": "", "probability": "90", "key": "tw_wrong"}
    refused = client.post("/alerts", data=form)
    assert (refused.status_code, 'role="alert"' in refused.text, "tw_wrong" in refused.text) == (422, True, False)
    wrong = client.post("/alerts", data=form | {"above": "", "key": scratch.keys["write"]})
    assert "give above, below, or both" in wrong.text.lower()
    added = client.post("/alerts", data=form | {"key": scratch.keys["write"]}, follow_redirects=False)
    assert (added.status_code, added.headers["location"]) == (303, "/alerts")
    html = client.get("/alerts").text
    assert "1\u00a0rule" in html
    assert "above \u22121,000" in html


def test_the_command_adds_lists_and_removes_rules(scratch: World) -> None:
    url = scratch.engine.url.render_as_string(hide_password=False)

    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_command(["alert", *arguments], {"TRADEWIND_DATABASE_URL": url}, ROOT)

    options = ("--flow", "B", "--period", "2026-01", "--above", "-1000", "--probability", "0.9")
    added = command("add", "CN_TRADE", *options)
    assert added.returncode == 0, added.stderr
    assert "CN_TRADE.B.WLD.TOTAL 2026-01 above -1000, from 90 %: " in added.stdout
    assert command("list").stdout == added.stdout
    number = added.stdout.split()[1].rstrip(":")
    assert command("remove", number).stdout == f"rule {number}: deleted\n"
    refused = command("add", "CN_TRADE", "--flow", "B", "--period", "2026-01", "--probability", "0.9")
    assert (refused.returncode, "give above, below, or both" in refused.stderr) == (2, True)
