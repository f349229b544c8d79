"""Answers about the effects of events."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.events import EventAnswer
from api.rest.schemas.runs import RunAnswer


@answer
class CounterfactualAnswer(TypedDict):
    """The forecast without the event."""

    source: Annotated[
        Literal["run", "fold"],
        Field(description="A run published from data known before the announcement, or a fold of this run's backtest."),
    ]
    run: int
    cutoff: Month
    bounds: Annotated[
        Literal["draws", "added"],
        Field(description="draws: quantiles of sums of simulated paths; added: monthly bounds added, which is wide."),
    ]


@answer
class EffectAnswer(TypedDict):
    """The effect of an event on one series: the actual value less the forecast without the event."""

    unique_id: str
    partner: str
    partner_name: str
    relation: Annotated[
        str | None, Field(description="scope or part, as for events; null for a partner outside the event's scope.")
    ]
    first_month: Month
    last_month: Month
    unit: str
    actual: float
    expected: Annotated[float, Field(description="The mean of the forecast without the event.")]
    effect: Annotated[float, Field(description="`actual` less `expected`.")]
    level: Annotated[float, Field(description="Of the interval, in per cent.")]
    lo: float
    hi: float
    effect_pch: Annotated[float | None, Field(description="`effect` in per cent of `expected`.")]
    lo_pch: float | None
    hi_pch: float | None


@answer
class EffectPage(Page):
    """The effect of an event on the partners of a flow and sector: the series in its scope, the world, the others."""

    dataset: str
    unit: str
    run: RunAnswer
    event: EventAnswer
    flow: str
    sector: str
    counterfactual: CounterfactualAnswer
    others: Annotated[list[str], Field(description="Other events of the same scope that took effect in these months.")]
    effects: list[EffectAnswer]
