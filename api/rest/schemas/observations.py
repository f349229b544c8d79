"""Answers about observed values."""

from datetime import date
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, Period, answer

Joined = Annotated[
    int, Field(description="2 for January and February published as one figure, which is stored at February.")
]
Backfilled = Annotated[bool, Field(description="A revised value in place of a first print that was not kept.")]


@answer
class ObservationAnswer(TypedDict):
    """A value as known on a day."""

    unique_id: str
    month: Month
    value: float
    unit: str
    months: Joined
    status: Annotated[str, Field(description="A normal, P provisional, I imputed, as in SDMX OBS_STATUS.")]
    vintage: Annotated[date, Field(description="The day on which the value became known.")]
    backfilled: Backfilled


@answer
class ObservedPeriodAnswer(TypedDict):
    """A value in other units, of a longer period, or adjusted; null where there is none."""

    unique_id: str
    month: Annotated[Month, Field(description="The last month of the period.")]
    value: float | None
    unit: str
    months: Annotated[int, Field(description="Number of months in the period.")]
    status: Annotated[str | None, Field(description="As of a month: the least certain of the period.")]
    vintage: Annotated[date | None, Field(description="The latest of its months.")]
    backfilled: Backfilled
    period: Period
    adjusted: Annotated[str, Field(description="The effects that are removed; empty without adjustment.")]
    reason: Annotated[str | None, Field(description="Why there is no value.")]


@answer
class AdjustmentAnswer(TypedDict):
    """The seasonal and calendar adjustment of values."""

    removed: Annotated[list[str], Field(description="The effects that are removed: calendar, seasonal, or both.")]
    method: str
    run: Annotated[int, Field(description="The run whose decomposition has the effects.")]


@answer
class ObservationPage(Page):
    """Observations by series and month."""

    dataset: str
    unit: str
    as_of: date | None
    frequency: NotRequired[Annotated[str, Field(description="Unless published values are asked for.")]]
    units: NotRequired[Annotated[str, Field(description="As `frequency`.")]]
    of: NotRequired[Annotated[str | None, Field(description="The total of a share or a contribution.")]]
    adjustment: NotRequired[Annotated[AdjustmentAnswer | None, Field(description="As `frequency`.")]]
    revised_data: Annotated[bool, Field(description="Whether a value of this page is backfilled.")]
    observations: list[ObservationAnswer | ObservedPeriodAnswer]


@answer
class AppendedAnswer(TypedDict):
    """Result of an upload of observations."""

    dataset: str
    received: int
    inserted: int
    unchanged: Annotated[int, Field(description="Values that were stored already.")]
    derived: Annotated[int, Field(description="Derived observations: the rest of the world, totals.")]
