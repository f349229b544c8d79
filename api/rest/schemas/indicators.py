"""Response schemas of indicators."""

from datetime import date

from pydantic import Field

from api.rest.schemas.common import MONTH, Answer, Page


class IndicatorAnswer(Answer):
    """A series from elsewhere that may inform forecasts."""

    id: str
    title: str
    kind: str = Field(description="`amount`: positive, with a season; `index`: seasonally adjusted.")
    unit: str
    country: str = Field(description="Whose calendar moves it.")
    publisher: str
    licence: str
    citation: str
    lag_days: int = Field(description="Days from the end of a month to its publication, where no day is known.")
    observations: int
    first_month: str | None
    last_month: str | None


class IndicatorPage(Page):
    """Indicators by code."""

    indicators: list[IndicatorAnswer]


class IndicatorValueAnswer(Answer):
    """A value of an indicator as known on a day."""

    month: str = MONTH
    value: float
    unit: str
    known_on: date = Field(description="The day the value became public.")
    backfilled: bool = Field(description="A revised value in place of a first print that was not kept.")


class IndicatorValuePage(Page):
    """Values of an indicator, oldest first. Months that were not published are absent."""

    indicator: str
    unit: str
    as_of: date | None
    observations: list[IndicatorValueAnswer]
