"""Query models of the FRED protocol."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.parameters import Day
from services.series.series_transforms import Aggregation, FredFrequency, FredUnits

EARLIEST, LATEST = date(1776, 7, 4), date(9999, 12, 31)
GREATEST_LIMIT = 100_000


class FredQuery(BaseModel):
    """Parameters common to the protocol. `api_key` is a key of this service, where it needs one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: str | None = Field(default=None, max_length=200)
    file_type: Literal["xml", "json"] = "xml"


class RealTimeQuery(FredQuery):
    """Parameters with a real-time period."""

    realtime_start: Day | None = None
    realtime_end: Day | None = None


class OneSeriesQuery(RealTimeQuery):
    """A series."""

    series_id: str = Field(max_length=160)


class PagedQuery(RealTimeQuery):
    """A page of a list."""

    limit: int = Field(default=1000, ge=1, le=GREATEST_LIMIT)
    offset: int = Field(default=0, ge=0)
    sort_order: Literal["asc", "desc"] = "asc"


class SearchQuery(PagedQuery):
    """Series by text."""

    search_text: str = Field(max_length=200)
    search_type: Literal["full_text", "series_id"] = "full_text"
    order_by: str | None = None
    filter_variable: str | None = None
    filter_value: str | None = None
    tag_names: str | None = None


class VintageDatesQuery(OneSeriesQuery):
    """Vintage dates of a series."""

    limit: int = Field(default=10_000, ge=1, le=10_000)
    offset: int = Field(default=0, ge=0)
    sort_order: Literal["asc", "desc"] = "asc"


class ReleasesQuery(PagedQuery):
    """Releases, which are datasets here."""

    order_by: str | None = None


class ObservationsQuery(OneSeriesQuery):
    """Observations of a series."""

    limit: int = Field(default=GREATEST_LIMIT, ge=1, le=GREATEST_LIMIT)
    offset: int = Field(default=0, ge=0)
    sort_order: Literal["asc", "desc"] = "asc"
    observation_start: Day | None = None
    observation_end: Day | None = None
    units: FredUnits = "lin"
    frequency: FredFrequency = "m"
    aggregation_method: Aggregation = "sum"
    output_type: Literal[1, 2, 3, 4] = 1
    vintage_dates: Day | None = None

    @field_validator("output_type", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    @field_validator("observation_start", "observation_end", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        # fredapi writes month/day/year.
        if isinstance(value, str) and value.count("/") == 2:
            month, day, year = value.split("/")
            return f"{year:>04}-{month:>02}-{day:>02}"
        return value
