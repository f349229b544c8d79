"""Query models of datasets, series, observations and releases."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from forecasting.analysis.periods import Frequency
from services.parameters import (
    Code,
    Day,
    KnownMonths,
    MeasureSelection,
    Month,
    Paged,
    SeriesSelection,
    StoredSeriesSelection,
    split_commas,
    unique,
)
from services.queries.forecasts import UnitSelection, refuse_balance, refuse_frequency, refuse_share

Effect = Literal["seasonal", "calendar"]
TEXT = r"^[^\x00-\x1f]*$"


class SeriesQuery(StoredSeriesSelection):
    """Series of a dataset."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of series.")
    q: str | None = Field(
        default=None,
        max_length=80,
        pattern=TEXT,
        description="Part of the code or name of a partner or a sector.",
    )
    as_of: Day | None = Field(default=None, description="Only series with an observation known on this day.")


class CatalogQuery(Paged):
    """Partners or sectors."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of codes.")
    q: str | None = Field(default=None, max_length=80, pattern=TEXT, description="Part of a code or a name.")


class ObservationQuery(SeriesSelection, MeasureSelection, KnownMonths, UnitSelection):
    """Observed values."""

    frequency: Frequency = Field(
        default="M",
        description="Sums of months: `M` months, `Q` quarters, `A` calendar years, `YTD` the year to date, `JF` "
        "January with February.",
    )
    adjusted: Annotated[list[Effect], BeforeValidator(split_commas), AfterValidator(unique)] = Field(
        default=[],
        description="Effects that are removed: `seasonal`, `calendar`, or both. They are those that the latest "
        "published run found in its decomposition, as of `as_of`.",
    )
    updated_after: Day | None = Field(
        default=None, description="Only values that became known after this day, YYYY-MM-DD."
    )
    limit: int = Field(default=10_000, ge=1, le=100_000, description="Greatest number of observations.")

    @property
    def plain(self) -> bool:
        """Whether values are asked for as they were published."""
        return self.frequency == "M" and self.units == "lin" and not self.adjusted

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.updated_after is not None and not self.plain:
            raise ValueError("updated_after selects published values: leave out units, frequency and adjusted")
        refuse_frequency(self.frequency, self.units)
        refuse_balance(self.flow, self.units)
        refuse_share(self.measure, self.units)
        return self


class AppendQuery(BaseModel):
    """How observations are appended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    force: bool = Field(
        default=False, description="Accept a last value 1,000 times the largest of the 12 months before."
    )


class RevisionQuery(StoredSeriesSelection, KnownMonths):
    """First prints, latest values, and every vintage in between."""

    limit: int = Field(default=10_000, ge=1, le=100_000, description="Greatest number of rows.")
    by: Literal["month", "age"] = Field(
        default="month", description="A row for each month of a series, or only the summary by age."
    )
    output_type: Literal[1, 2, 3, 4] | None = Field(
        default=None,
        description="Vintages instead of revisions, as in ALFRED: 1 by real-time period, 2 everything known on each "
        "vintage date, 3 only new or revised values of each vintage date, 4 first prints.",
    )

    @field_validator("output_type", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value


class ReleaseQuery(Paged):
    """Months of a release calendar."""

    status: Literal["due", "late", "done"] | None = Field(default=None, description="Only releases of this status.")
    start: Month | None = Field(default=None, description="First month, YYYY-MM.")


class CalendarQuery(BaseModel):
    """Datasets of the iCalendar feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Code | None = Field(default=None, description="A dataset's code; the default is all.")


class IndicatorQuery(Paged, KnownMonths):
    """Values of an indicator."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of months.")
