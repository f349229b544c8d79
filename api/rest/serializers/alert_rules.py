"""Alert rules as answers."""

from api.rest.schemas.alert_rules import AlertRuleAnswer
from store.queries.alert_rules import AlertRuleRecord


def alert_rule_answer(rule: AlertRuleRecord) -> AlertRuleAnswer:
    """A rule, without the address of its e-mails."""
    return {
        "id": rule.id,
        "dataset": rule.dataset_id,
        "flow": rule.flow,
        "partner": rule.partner,
        "sector": rule.sector,
        "period": rule.period,
        "units": rule.units,
        "above": rule.above,
        "below": rule.below,
        "probability": rule.probability,
        "has_email": rule.email is not None,
        "created_at": rule.created_at,
        "run": rule.last_run_id,
        "run_probability": rule.last_probability,
        "reason": rule.last_reason,
        "raised_at": rule.raised_at,
    }
