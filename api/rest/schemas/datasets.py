"""A new dataset, sent with its first table."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from api.rest.schemas.common import answer

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, Field(min_length=1, max_length=300, pattern=PRINTABLE)]


class TableLayout(BaseModel):
    """How a table is written and laid out: the options of `tradewind ingest file`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    separator: str | None = Field(default=None, description="What separates cells; found if not given.")
    decimal: str | None = Field(default=None, description="Decimal mark, point or comma.")
    thousands: str | None = Field(default=None, description="Thousands mark; none if not given.")
    missing: list[str] = Field(default=[], description="Texts of missing values, whose rows are left out.")
    map: dict[str, str] = Field(default={}, description="Columns by their headings.", examples=[{"Date": "month"}])
    constant: dict[str, str] = Field(default={}, description="Columns that the table lacks.", examples=[{"flow": "X"}])
    wide: bool = Field(default=False, description="Months are down with a column a series, or across.")
    keep: list[str] = Field(default=[], description="Only series of these headings.")
    drop: list[str] = Field(default=[], description="Columns or series that are left out.")
    after_gaps: bool = Field(default=False, description="A series with a missing month starts after its last gap.")


class NewDataset(BaseModel):
    """A dataset and a table of its observations."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$", examples=["VN_TRADE"])
    title: Text
    reporter: Text = Field(description="The country that reports, by ISO code or English name.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["USD"])
    unit: Text = Field(examples=["USD m"])
    publisher: Text
    licence: Text
    citation: str | None = Field(
        default=None, max_length=1000, pattern=PRINTABLE, description="The publisher, if not given."
    )
    release_day: int = Field(default=20, ge=1, le=28, description="Day of the next month on which a month is due.")
    derive_rest: bool = Field(default=False, description="Derive the rest of the world (partner RST).")
    allow_negative: bool = Field(default=False, description="Values may be negative.")
    partners: dict[str, str] = Field(default={}, description="Partners of your own: names by code.")
    sectors: dict[str, str] = Field(default={}, description="Sectors of your own: names by code.")
    partner_names: dict[str, str] = Field(default={}, description="Codes of partners by the names in the table.")
    table: str = Field(min_length=1, description="The table as CSV text, with its header.")
    layout: TableLayout = Field(default=TableLayout())
    backfill: bool = Field(default=False, description="Values count as known from the day their month was due.")
    force: bool = Field(default=False, description="Accept a last value 1,000 times those before it.")
    dry_run: bool = Field(default=False, description="Check and summarise; store nothing.")


@answer
class ImportAnswer(TypedDict):
    """The content of a table, and the part of it that was stored."""

    dataset: str
    dry_run: bool
    summary: Annotated[list[str], Field(description="Series, span, partners as they were read, what adds up.")]
    notices: Annotated[list[str], Field(description="Values that were accepted but deserve a look.")]
    inserted: int
    unchanged: int
    derived: int
