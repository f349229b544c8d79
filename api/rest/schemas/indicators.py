"""Answers about indicators."""

from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.observations import Backfilled


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
