"""Alert rules and their alerts in words."""

from typing import cast

from forecasting.analysis.period_draws import Units
from presentation import formatting
from presentation.sections.probability import sentence
from services.alerts.alert_rules import RuleEvent
from services.runs.published_run import PublishedRun
from store.queries.alert_rules import AlertRuleRecord


def alert_reason(published: PublishedRun, rule: AlertRuleRecord, found: RuleEvent) -> str:
    """Probability that the balance in 2026 is above USD 1.20tn: 92 %, at least 90 % (run 7 as of 27 November 2026)."""
    units = cast("Units", rule.units)
    answer = sentence(published, found.series, found.event, units, above=rule.above, below=rule.below)
    assert answer is not None
    run, wanted = published.run, formatting.share(rule.probability)
    as_of = f"run {run.id} as of {formatting.day_name(run.as_of)}"
    text = f"{answer['text']}: {answer['probability']}, at least {wanted} ({as_of})"
    # Subjects of e-mails and logs are read as plain text.
    return text.replace(formatting.NBSP, " ")
