"""Alert rules: creation, and the probability of a rule's event in a run."""

from datetime import datetime
from typing import NamedTuple, cast

from sqlmodel import Session

from forecasting.analysis.period_draws import Units
from forecasting.analysis.periods import parse_period
from services.errors import NoMailServer
from services.forecasts.event_probability import Event, event_probability, read_event
from services.queries.alert_rules import NewAlertRule
from services.runs.published_run import PublishedRun, open_run
from services.series.catalog_cache import CatalogCache
from store.errors import UnknownRun
from store.models import ResolvedSeries
from store.queries import alert_rules
from store.queries.alert_rules import AlertRuleRecord


class RuleEvent(NamedTuple):
    """The event of a rule in a run: its series, draws, and probability, None with a reason where there is none."""

    series: ResolvedSeries
    event: Event
    probability: float | None


def create_rule(
    session: Session, catalogs: CatalogCache, rule: NewAlertRule, *, sends_mail: bool, now: datetime
) -> AlertRuleRecord:
    """Store a rule and evaluate it in the latest run, without an alert; the caller commits.

    Raises UnknownDataset, UnknownSeries, NoMailServer, PeriodObserved, PeriodBeyondRun.
    """
    if rule.email is not None and not sends_mail:
        raise NoMailServer
    _, catalog = catalogs.of_dataset(session, rule.dataset)
    catalog.single(rule.flow, rule.partner, rule.sector)
    record = alert_rules.create(session, rule.values(), now=now)
    try:
        published = open_run(session, catalogs, rule.dataset)
    except UnknownRun:
        return record
    found = read_rule_event(published, record)
    alert_rules.record_evaluation(
        session, record.id, run_id=published.run.id, probability=found.probability, reason=found.event.reason
    )
    return record._replace(
        last_run_id=published.run.id, last_probability=found.probability, last_reason=found.event.reason
    )


def read_rule_event(published: PublishedRun, rule: AlertRuleRecord) -> RuleEvent:
    """The event of a rule in a run. Raises UnknownSeries, PeriodObserved, PeriodBeyondRun."""
    series = published.choose(rule.flow, rule.partner, rule.sector)
    event = read_event(published, series, parse_period(rule.period), cast("Units", rule.units))
    if event.reason is not None:
        return RuleEvent(series, event, None)
    return RuleEvent(series, event, event_probability(event, above=rule.above, below=rule.below).probability)
