"""Answers about indicators."""

from datetime import date
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.observations import Backfilled
from api.rest.schemas.runs import RunAnswer


@answer
class IndicatorAnswer(TypedDict):
    """A series from another source that may inform forecasts."""

    id: str
    title: str
    kind: Annotated[str, Field(description="`amount`: positive, with a season; `index`: seasonally adjusted.")]
    unit: str
    country: Annotated[str, Field(description="The country whose calendar moves it.")]
    publisher: str
    licence: str
    citation: str
    lag_days: Annotated[
        int, Field(description="Days from the end of a month to its publication, where the day is not known.")
    ]
    observations: int
    first_month: str | None
    last_month: str | None


@answer
class IndicatorPage(Page):
    """Indicators by code."""

    indicators: list[IndicatorAnswer]


@answer
class IndicatorValueAnswer(TypedDict):
    """A value of an indicator as known on a day."""

    month: Month
    value: float
    unit: str
    known_on: Annotated[date, Field(description="The day on which the value became public.")]
    backfilled: Backfilled


@answer
class IndicatorValuePage(Page):
    """Values of an indicator, oldest first. Months that were not published are absent."""

    indicator: str
    unit: str
    as_of: date | None
    observations: list[IndicatorValueAnswer]


@answer
class UsedIndicatorAnswer(TypedDict):
    """An indicator as a run knew it."""

    indicator: str
    title: str
    known_to: Annotated[Month, Field(description="Its last month that was public on the run's as_of.")]
    known_on: Annotated[date, Field(description="The day on which that month became public.")]
    months_ahead: Annotated[
        int, Field(description="Its months beyond the run's cutoff; 0 where it adjusted no forecast.")
    ]


IndicatorsUsed = Annotated[
    list[UsedIndicatorAnswer], Field(description="Indicators with months beyond the run's cutoff, if any.")
]


@answer
class RestsOnIndicators(TypedDict):
    """The indicators that an answer rests on."""

    indicators: NotRequired[IndicatorsUsed]


@answer
class IndicatorEvidenceAnswer(TypedDict):
    """The worth of an indicator for a series: forecasts of the month after a cutoff with and without it."""

    unique_id: str
    indicator: Annotated[str, Field(description="`*` is all indicators of the series together.")]
    unit: Annotated[str, Field(description="Of the errors.")]
    folds: int
    mae_without: float | None
    mae_with: float | None
    ratio: Annotated[float | None, Field(description="`mae_with` over `mae_without`; below 1 the indicator helps.")]
    p_value: Annotated[float | None, Field(description="Diebold and Mariano, two-sided.")]
    weight: Annotated[float | None, Field(description="Effect of a surprise of one robust deviation, in per cent.")]


@answer
class IndicatorEffectAnswer(TypedDict):
    """The amount that an indicator added to the forecast of a month, before reconciliation."""

    unique_id: str
    indicator: str
    month: Month
    value: float
    unit: str


@answer
class IndicatorEvidencePage(Page):
    """Indicators of a run, their worth, and their effects on its forecasts; a page counts evidence."""

    dataset: str
    unit: str
    run: RunAnswer
    indicators: list[UsedIndicatorAnswer]
    effects: list[IndicatorEffectAnswer]
    evidence: list[IndicatorEvidenceAnswer]
