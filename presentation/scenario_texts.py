"""Scenarios in words: the statements that the form offers, and those of a stored scenario."""

from collections.abc import Mapping
from typing import Any

from forecasting.analysis.periods import Period
from presentation.sections.probability import offered_sentence
from services.runs.published_run import PublishedRun
from services.scenarios.scenario_form import SHOCKS, Kind, Statement
from store.queries.scenarios import ScenarioRecord

KINDS: Mapping[Kind, str] = {
    "growth": "growth is (per cent)",
    "expected": "growth is on average (per cent)",
    "least": "growth is at least (per cent)",
    "most": "growth is at most (per cent)",
    "level": "the level is",
    "shock": "trade changes from then on (per cent)",
    "tariff": "a tariff changes from then on (points)",
}
PHRASES: Mapping[Kind, str] = {
    "growth": "growth of {value} %",
    "expected": "growth of {value} % on average",
    "least": "growth of at least {value} %",
    "most": "growth of at most {value} %",
    "level": "a level of {value} {unit}",
    "shock": "a change of {value} %",
    "tariff": "a tariff change of {value} points",
}


def scenario_name(published: PublishedRun, statement: Statement) -> str:
    """Exports to the United States: growth of −20 % in 2027."""
    value = f"{statement.value:,.12g}".replace("-", "\u2212")
    phrase = PHRASES[statement.kind].format(value=value, unit=published.unit)
    relation = "from" if statement.kind in SHOCKS else "in"
    month = offered_sentence(Period(statement.period.first, statement.period.first, "month"))
    period = month if relation == "from" else offered_sentence(statement.period)
    diverted = f", {100 * statement.diversion:g} % diverted to others" if statement.diversion else ""
    return f"{published.name(statement.series)}: {phrase} {relation} {period}{diverted}"


def statement_texts(record: ScenarioRecord) -> list[str]:
    """Conditions and shocks of a stored scenario, in the keys of the API."""
    return [*map(_condition_text, record.statement["conditions"]), *map(_shock_text, record.statement["shocks"])]


def _condition_text(condition: Mapping[str, Any]) -> str:
    """X.USA in 2027, pc1: value −20."""
    about = ("value", "values", "mean", "at_least", "at_most")
    stated = ", ".join(f"{name} {_numbers(condition[name])}" for name in about if name in condition)
    return f"{condition['series']} in {condition['period']}, {condition['units']}: {stated}"


def _numbers(value: float | list[float]) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(f"{number:,.12g}" for number in values).replace("-", "\u2212")


def _shock_text(shock: Mapping[str, Any]) -> str:
    """X.USA from 2026-10: size −20, diversion 0.5."""
    place = ".".join(shock[name] for name in ("flow", "partner", "sector") if name in shock)
    stated = f"size {shock['size']:g} %" if "size" in shock else f"tariff {shock['tariff']['rate_change']:g} points"
    diverted = f", diversion {shock['diversion']:g}" if shock["diversion"] else ""
    return f"{place} from {shock['start']}: {stated}{diverted}"
