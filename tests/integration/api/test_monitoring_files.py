"""The Grafana dashboard and the alert rules of Prometheus read metrics and labels that the service has."""

import json
import re
from datetime import date
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import Session

from store.queries import alerts, releases
from tests.integration.api.conftest import TODAY, World, client_of
from tests.support.documents import text

FOLDER = "docs/operations"
SELECTOR = re.compile(r"\b((?:tradewind_\w+|up))(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
SCRAPED = {"up": {"job", "instance"}}
"""Metrics that Prometheus adds itself."""


def expressions() -> list[tuple[str, str]]:
    """The name and the expression of every panel and every rule."""
    dashboard = json.loads(text(f"{FOLDER}/grafana-dashboard.json"))
    found = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [
        rule for group in yaml.safe_load(text(f"{FOLDER}/prometheus-alerts.yaml"))["groups"] for rule in group["rules"]
    ]
    return found + [(rule["alert"], rule["expr"]) for rule in rules]


@pytest.fixture
def metrics(scratch: World) -> dict[str, set[str]]:
    """The labels of every metric, by name, of a service with an open alert of each kind."""
    with Session(scratch.engine) as session:
        for kind in ("late", "source", "run"):
            alerts.raise_alert(session, "CN_TRADE", kind, date(2026, 1, 1), reason="a test", now=TODAY)
        releases.record(session, "CN_TRADE", {date(2025, 12, 1): date(2026, 1, 9)})
        session.commit()
    client: TestClient = client_of(scratch)
    client.get("/v1/runs")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found | SCRAPED


def test_every_expression_reads_metrics_and_labels_that_exist(metrics: dict[str, Any]) -> None:
    for name, expression in expressions():
        selectors = SELECTOR.findall(expression)
        assert selectors, name
        known: set[str] = set()
        for metric, matchers in selectors:
            assert metric in metrics, f"{name}: {metric}"
            assert set(re.findall(r"(\w+)\s*=", matchers)) <= metrics[metric], f"{name}: {matchers}"
            known |= metrics[metric]
        for labels in GROUPED.findall(expression):
            assert set(labels.split(", ")) <= known, f"{name}: by {labels}"


def test_every_rule_says_what_happened_and_what_to_do() -> None:
    (group,) = yaml.safe_load(text(f"{FOLDER}/prometheus-alerts.yaml"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names))
    for rule in group["rules"]:
        assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "0m"))


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads(text(f"{FOLDER}/grafana-dashboard.json"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
