"""Evaluation of alert rules when a run is published."""

from datetime import datetime

import structlog
from sqlmodel import Session

from errors import TradewindError
from presentation.alert_rules import alert_reason
from services.alerts.alert_rules import read_rule_event
from services.runs.published_run import PublishedRun, open_run
from services.series.catalog_cache import CatalogCache
from store.queries import alert_rules, alerts, runs
from store.queries.alert_rules import AlertRuleRecord

log = structlog.get_logger(__name__)


def evaluate_alert_rules(session: Session, dataset: str, run_id: int, *, now: datetime) -> None:
    """Raise alerts of rules whose event has become likely enough in the latest run; clear those of the others.

    The caller commits. A run of a past day that is not the latest changes nothing.
    """
    rules = alert_rules.rules(session, dataset)
    latest = runs.latest_published(session, dataset)
    if not rules or latest is None or latest.id != run_id:
        return
    published = open_run(session, CatalogCache(), dataset, run_id)
    for rule in rules:
        _evaluate(session, published, rule, now)


def _evaluate(session: Session, published: PublishedRun, rule: AlertRuleRecord, now: datetime) -> None:
    """Record the probability of one rule, and raise or clear its alert; without a probability the alert stays."""
    try:
        found = read_rule_event(published, rule)
    except TradewindError as error:
        alert_rules.record_evaluation(session, rule.id, run_id=published.run.id, probability=None, reason=str(error))
        return
    alert_rules.record_evaluation(
        session, rule.id, run_id=published.run.id, probability=found.probability, reason=found.event.reason
    )
    if found.probability is None:
        return
    alert = alerts.open_of_rule(session, rule.id)
    if found.probability >= rule.probability and alert is None:
        reason, month = alert_reason(published, rule, found), now.date().replace(day=1)
        alerts.raise_alert(
            session, rule.dataset_id, "rule", month, reason=reason, now=now, rule=rule.id, email=rule.email
        )
        log.warning("alert.raised", dataset=rule.dataset_id, kind="rule", rule=rule.id, reason=reason)
    elif found.probability < rule.probability and alert is not None:
        alerts.clear(session, alert.id, now)
        log.info("alert.cleared", dataset=rule.dataset_id, kind="rule", rule=rule.id)
