"""Alert rules."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from pydantic import ValidationError

from cli import composition
from cli.console import say, stop
from cli.options import DataDir

if TYPE_CHECKING:
    from store.queries.alert_rules import AlertRuleRecord


def add_rule(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    flow: Annotated[str, typer.Option(help="X exports, M imports, B the balance.")],
    period: Annotated[str, typer.Option(help="2026, 2026-Q1, 2026-03, or a range of months.")],
    probability: Annotated[float, typer.Option(help="Alert when the probability is at least this share, such as 0.9.")],
    above: Annotated[float | None, typer.Option(help="The event: a value above this.")] = None,
    below: Annotated[float | None, typer.Option(help="The event: a value of at most this.")] = None,
    partner: Annotated[str, typer.Option(help="A partner or a group.")] = "WLD",
    sector: Annotated[str, typer.Option(help="A sector.")] = "TOTAL",
    units: Annotated[Literal["lin", "pc1"], typer.Option(help="lin the level, pc1 the growth on a year ago.")] = "lin",
    email: Annotated[str | None, typer.Option(help="Send e-mails to this address too.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Add a rule: alert when the probability of an event reaches a share."""
    from services.alerts.alert_rules import create_rule
    from services.queries.alert_rules import NewAlertRule
    from services.series.catalog_cache import CatalogCache

    given = {"dataset": dataset, "flow": flow, "period": period, "probability": probability, "above": above}
    given |= {"below": below, "partner": partner, "sector": sector, "units": units, "email": email}
    try:
        rule = NewAlertRule.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        stop(f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": "), 2)
    settings = composition.read_settings(data_dir=data_dir)
    with composition.session(settings) as session:
        record = create_rule(
            session, CatalogCache(), rule, sends_mail=settings.smtp_url is not None, now=composition.now()
        )
        session.commit()
    say(_line(record))


def list_rules(data_dir: DataDir = None) -> None:
    """List alert rules with the probability of their events in the latest run."""
    from store.queries import alert_rules

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        found = alert_rules.rules(session)
    say(*([_line(rule) for rule in found] or ["There are no alert rules."]))


def remove_rule(
    rule: Annotated[int, typer.Argument(help="Number of the rule.")],
    data_dir: DataDir = None,
) -> None:
    """Delete an alert rule and its alerts."""
    from store.queries import alert_rules

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        alert_rules.delete(session, rule)
        session.commit()
    say(f"rule {rule}: deleted")


def _line(rule: "AlertRuleRecord") -> str:
    """Rule 1: CN_TRADE.B.WLD.TOTAL 2026 above 1200, from 90 %: 87 % in run 7."""
    thresholds = (("above", rule.above), ("at most", rule.below))
    bounds = " and ".join(f"{name} {value:g}" for name, value in thresholds if value is not None)
    units = "" if rule.units == "lin" else " (growth on a year ago, %)"
    series = f"{rule.dataset_id}.{rule.flow}.{rule.partner}.{rule.sector}"
    known = "not evaluated"
    if rule.last_probability is not None:
        known = f"{100 * rule.last_probability:.0f} % in run {rule.last_run_id}"
    alert = f", alert since {rule.raised_at:%Y-%m-%d}" if rule.raised_at else ""
    wanted = f"{100 * rule.probability:g} %"
    return f"rule {rule.id}: {series} {rule.period} {bounds}{units}, from {wanted}: {known}{alert}"
