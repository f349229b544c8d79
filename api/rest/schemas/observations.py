"""Answers about observed values."""

from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer

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
class ObservationPage(Page):
    """Observations by series and month."""

    dataset: str
    unit: str
    as_of: date | None
    revised_data: Annotated[bool, Field(description="Whether a value of this page is backfilled.")]
    observations: list[ObservationAnswer]


@answer
class AppendedAnswer(TypedDict):
    """Result of an upload of observations."""

    dataset: str
    received: int
    inserted: int
    unchanged: Annotated[int, Field(description="Values that were stored already.")]
    derived: Annotated[int, Field(description="Derived observations: the rest of the world, totals.")]
