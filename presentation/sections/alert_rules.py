"""The section of alert rules, with the probability of each event in the latest run."""

from collections.abc import Sequence
from typing import Any

from presentation import formatting, links
from presentation.sections.section import Section, figure, link, text
from store.queries.alert_rules import AlertRuleRecord


def rules_section(rules: Sequence[AlertRuleRecord]) -> Section:
    """One row for each rule."""
    return Section(
        name="rules",
        title=formatting.count_of(len(rules), "rule"),
        columns=[
            figure("id", "Rule"),
            link("event", "Event"),
            figure("probability", "Alert from", formatting.share),
            figure("run_probability", "Probability in the latest run", formatting.share),
            text("state", "State"),
        ],
        rows=[_row(rule) for rule in rules],
        api=links.api_alert_rules(),
    )


def _row(rule: AlertRuleRecord) -> dict[str, Any]:
    series = {"flow": rule.flow, "partner": rule.partner, "sector": rule.sector}
    return {
        "id": rule.id,
        "event": _event(rule),
        "href": links.ask(
            dataset=rule.dataset_id,
            **series,
            period=rule.period,
            units=rule.units,
            above=rule.above,
            below=rule.below,
        ),
        "probability": rule.probability,
        "run_probability": rule.last_probability,
        "state": _state(rule),
    }


def _event(rule: AlertRuleRecord) -> str:
    """CN_TRADE balance, WLD, TOTAL, 2026: above 1,200."""
    flow = f"growth of {formatting.FLOW_NAMES[rule.flow]}" if rule.units == "pc1" else formatting.FLOW_NAMES[rule.flow]
    bounds = [
        f"{name} {formatting.digits(value)}"
        for name, value in (("above", rule.above), ("at most", rule.below))
        if value is not None
    ]
    place = f"{rule.dataset_id} {flow}, {rule.partner}, {rule.sector}"
    return f"{place}, {formatting.period_name(rule.period)}: {' and '.join(bounds)}"


def _state(rule: AlertRuleRecord) -> str:
    if rule.raised_at is not None:
        return f"alert since {formatting.day_name(rule.raised_at)}"
    if rule.last_reason is not None:
        return rule.last_reason
    return "no alert" if rule.last_run_id is not None else "waits for a run"
