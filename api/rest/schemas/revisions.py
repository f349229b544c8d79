"""Answers about revisions and vintages."""

from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.observations import Backfilled, Joined


@answer
class RevisionAnswer(TypedDict):
    """A month's first print and latest value; null where a revised value replaces the first print."""

    unique_id: str
    month: Month
    months: Joined
    unit: str
    first: float | None
    first_vintage: date | None
    latest: float
    latest_vintage: date
    revision: Annotated[float | None, Field(description="Latest value less first print.")]
    revision_percent: Annotated[float | None, Field(description="The revision in per cent of the first print.")]
    vintages: Annotated[int, Field(description="Number of values published for the month.")]


@answer
class AgeAnswer(TypedDict):
    """Mean and standard deviation of revisions at an age in months after the first print."""

    age: Annotated[int, Field(description="Months after the first print.")]
    n: Annotated[int, Field(description="Number of first prints of this age.")]
    unit: str
    bias: float
    spread: float | None
    bias_percent: float | None
    spread_percent: float | None


@answer
class VintageAnswer(TypedDict):
    """A value of a vintage."""

    unique_id: str
    month: Month
    months: Joined
    vintage: date
    value: float
    unit: str
    status: str
    realtime_start: Annotated[date, Field(description="First day on which this was the known value.")]
    realtime_end: Annotated[date | None, Field(description="Last such day; null for the current value.")]
    backfilled: Backfilled


@answer
class RevisionPage(Page):
    """Revisions by series and month, and by age over all of them; or the vintages themselves."""

    dataset: str
    unit: str
    as_of: date
    output_type: int | None
    revised_data: Annotated[bool | None, Field(description="Whether a month lacks its first print; null for vintages.")]
    by_age: Annotated[
        list[AgeAnswer] | None, Field(description="Over all selected months, not only this page; null for vintages.")
    ]
    revisions: list[RevisionAnswer] | None
    observations: list[VintageAnswer] | None
