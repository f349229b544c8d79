"""What answers about revisions look like."""

from datetime import date

from pydantic import Field

from api.rest.schemas.common import MONTH, Answer, Page

JOINED = Field(description="2 for January and February published as one figure, which stands at February.")


class RevisionAnswer(Answer):
    """A month's first print and latest value; nulls where a revised value stands in for the first print."""

    unique_id: str
    month: str = MONTH
    months: int = JOINED
    unit: str
    first: float | None
    first_vintage: date | None
    latest: float
    latest_vintage: date
    revision: float | None = Field(description="Latest less first print.")
    revision_percent: float | None = Field(description="The same in per cent of the first print.")
    vintages: int = Field(description="How many values were known of it, one after the other.")


class AgeAnswer(Answer):
    """Revisions some months after the first print: their mean, and their standard deviation."""

    age: int = Field(description="Months after the first print.")
    n: int = Field(description="First prints as old as that.")
    unit: str
    bias: float
    spread: float | None
    bias_percent: float | None
    spread_percent: float | None


class VintageAnswer(Answer):
    """A value as listed under a vintage."""

    unique_id: str
    month: str = MONTH
    months: int = JOINED
    vintage: date
    value: float
    unit: str
    status: str
    realtime_start: date = Field(description="The first day on which this was the value known.")
    realtime_end: date | None = Field(description="The last such day; null while it still is.")
    backfilled: bool = Field(description="A revised value in place of a first print that nobody kept.")


class RevisionPage(Page):
    """Revisions by series and month, and by age over all of them; or the vintages themselves."""

    dataset: str
    unit: str
    as_of: date
    output_type: int | None
    revised_data: bool | None = Field(description="Whether a month lacks its first print; null for vintages.")
    by_age: list[AgeAnswer] | None = Field(description="Over all months asked, not only this page; null for vintages.")
    revisions: list[RevisionAnswer] | None
    observations: list[VintageAnswer] | None
