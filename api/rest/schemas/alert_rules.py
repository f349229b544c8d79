"""Answers about alert rules."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Page, Period, answer


@answer
class AlertRuleAnswer(TypedDict):
    """A rule, and the probability of its event in the latest run."""

    id: int
    dataset: str
    flow: str
    partner: str
    sector: str
    period: Period
    units: str
    above: float | None
    below: float | None
    probability: Annotated[float, Field(description="Alert when the probability is at least this share.")]
    has_email: bool
    created_at: datetime
    run: Annotated[int | None, Field(description="The run of the latest evaluation.")]
    run_probability: Annotated[float | None, Field(description="Probability of the event in that run.")]
    reason: Annotated[str | None, Field(description="Why there is no probability.")]
    raised_at: Annotated[datetime | None, Field(description="When the open alert was raised; null without one.")]


@answer
class AlertRulePage(Page):
    """Alert rules, oldest first."""

    rules: list[AlertRuleAnswer]
