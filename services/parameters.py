"""Query parameters: their types, their bounds, and the groups in which endpoints take them.

A parameter that an endpoint does not know is refused: a misspelt filter would silently answer another question.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from forecasting.analysis.periods import KINDS

CODE = r"^[A-Za-z0-9_.+-]{1,40}$"
GREATEST_ID = 2**31 - 1
GREATEST_OFFSET = 10**9
AS_OF = "What was known on this day, YYYY-MM-DD; without it, what is known now."
DEFAULT_LEVELS = [80.0, 95.0]
SCORE_KINDS = (*KINDS, *(f"{kind}_growth" for kind in KINDS))


def _split(value: Any) -> Any:
    """Lists come as repeated parameters, each with commas if one likes."""
    given = value if isinstance(value, list) else [value]
    return [part for one in given for part in (one.split(",") if isinstance(one, str) else [one])]


def _unique(values: list[Any]) -> list[Any]:
    return sorted(set(values))


def _month(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value) and value >= "0001":
        return date(int(value[:4]), int(value[5:]), 1)
    raise ValueError("a month is written YYYY-MM")


def _day(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return date.fromisoformat(value)
    raise ValueError("a day is written YYYY-MM-DD")


def _kind(value: str) -> str:
    if value not in SCORE_KINDS:
        raise ValueError(f"a kind of period is one of {', '.join(SCORE_KINDS)}")
    return value


Code = Annotated[str, Field(pattern=CODE)]
Codes = Annotated[list[Code], BeforeValidator(_split), AfterValidator(_unique), Field(max_length=500)]
Flows = Annotated[list[Literal["X", "M", "B"]], BeforeValidator(_split), AfterValidator(_unique)]
StoredFlows = Annotated[list[Literal["X", "M"]], BeforeValidator(_split), AfterValidator(_unique)]
Level = Annotated[float, Field(gt=0, lt=100)]
Levels = Annotated[list[Level], BeforeValidator(_split), AfterValidator(_unique), Field(max_length=20)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Quantiles = Annotated[list[Probability], BeforeValidator(_split), AfterValidator(_unique), Field(max_length=20)]
Month = Annotated[date, BeforeValidator(_month)]
Day = Annotated[date, BeforeValidator(_day)]
Kind = Annotated[str, AfterValidator(_kind)]
RunId = Annotated[int, Field(ge=1, le=GREATEST_ID)]


class Parameters(BaseModel):
    """What every answer to be read takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json", "csv"] | None = Field(
        default=None, description="`json` or `csv`; without it the Accept header decides, and JSON is the default."
    )


class Paged(Parameters):
    """One page of a list."""

    limit: int = Field(default=100, ge=1, le=1000, description="How many at most.")
    offset: int = Field(default=0, ge=0, le=GREATEST_OFFSET, description="How many to pass over.")


class SeriesCodes(Paged):
    """Which series: everything unless narrowed. Give several codes with commas or by repeating the parameter."""

    partner: Codes | None = Field(default=None, description="Partners or groups; without it every single partner.")
    sector: Codes | None = Field(default=None, description="Sectors; without it all.")


class SeriesSelection(SeriesCodes):
    """Which series, balances among them."""

    flow: Flows | None = Field(
        default=None, description="X exports, M imports, B the balance X - M; without it X and M."
    )


class StoredSeriesSelection(SeriesCodes):
    """Which stored series."""

    flow: StoredFlows | None = Field(default=None, description="X exports, M imports; without it both.")


class SeriesQuery(StoredSeriesSelection):
    """Series of a dataset."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many at most.")
    q: str | None = Field(
        default=None,
        max_length=80,
        pattern=r"^[^\x00-\x1f]*$",
        description="Part of a partner's or a sector's code or name.",
    )
    as_of: Day | None = Field(default=None, description="Only series of which something was known on this day.")


class CatalogQuery(Paged):
    """Partners or sectors."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many at most.")
    q: str | None = Field(
        default=None, max_length=80, pattern=r"^[^\x00-\x1f]*$", description="Part of a code or a name."
    )


class KnownMonths(BaseModel):
    """Which months, as known on which day."""

    start: Month | None = Field(default=None, description="First month, YYYY-MM.")
    end: Month | None = Field(default=None, description="Last month, YYYY-MM.")
    as_of: Day | None = Field(default=None, description=AS_OF)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start:%Y-%m} is after end {self.end:%Y-%m}")
        return self


class ObservationQuery(SeriesSelection, KnownMonths):
    """Observed values."""

    limit: int = Field(default=10_000, ge=1, le=100_000, description="How many months of series at most.")


class IndicatorQuery(Paged, KnownMonths):
    """Values of an indicator."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many months at most.")


class RevisionQuery(StoredSeriesSelection, KnownMonths):
    """First prints, latest values, and every value in between."""

    limit: int = Field(default=10_000, ge=1, le=100_000, description="How many rows at most.")
    by: Literal["month", "age"] = Field(
        default="month", description="A row for each month of a series, or only what there is by age."
    )
    output_type: Literal[1, 2, 3, 4] | None = Field(
        default=None,
        description="Vintages instead of revisions, as in ALFRED: 1 by real-time period, 2 everything known on each "
        "vintage date, 3 only what was new or revised then, 4 first prints.",
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
    """Whose releases a calendar program is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Code | None = Field(default=None, description="A dataset's code; without it all.")


class RunSelection(BaseModel):
    """Which run answers."""

    run: RunId | None = Field(default=None, description="A run's number; without it the latest published one.")
    as_of: Day | None = Field(
        default=None, description="The latest published run whose own `as_of` is no later than this day, YYYY-MM-DD."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.run is not None and self.as_of is not None:
            raise ValueError("give run or as_of, not both")
        return self


class BacktestQuery(SeriesSelection, RunSelection):
    """Scores of a backtest."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many scores at most.")
    by: Literal["step", "forecaster", "series"] = Field(
        default="step", description="A score for each step ahead, each forecaster, or each series."
    )
    kind: Kind = Field(default="month", description=f"What was forecast: {', '.join(SCORE_KINDS)}.")
    forecaster: Code = Field(default="combination", description="Whose scores by step or by series.")
    group: Literal["total", "partner", "sector", "part"] | None = Field(
        default=None,
        description="Of the series chosen, only the grand `total`, `partner` totals, `sector` totals, or the `part`s "
        "that are neither; without it all.",
    )


class FoldQuery(SeriesSelection, RunSelection):
    """Forecasts of one series at the folds of a backtest; a page counts folds, newest first."""

    kind: Kind = Field(
        default="month",
        description=f"What was forecast: {', '.join(SCORE_KINDS)}. Growth is told up to a year ahead, where the year "
        "before was known.",
    )
    forecaster: Code = Field(default="combination", description="Whose forecasts; of months only, or `combination`.")
    level: Levels = Field(default=DEFAULT_LEVELS, description="Levels of the intervals: 50, 80, 90 or 95.")

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.forecaster != "combination" and not self.kind.startswith("month"):
            raise ValueError(f"kind={self.kind} is kept for forecaster=combination, not for {self.forecaster}")
        return self


class MissQuery(SeriesSelection, RunSelection):
    """Where what came was furthest outside the interval."""

    limit: int = Field(default=100, ge=1, le=1000, description="How many misses at most.")
    kind: Kind = Field(default="month", description=f"What was forecast: {', '.join(SCORE_KINDS)}.")
    step: int | None = Field(
        default=None,
        ge=1,
        le=120,
        description="Months: exactly so many months ahead, 1 if not given. Longer periods: those that end at most so "
        "many months ahead, 12 if not given. Growth: up to 12.",
    )
    level: Level = Field(default=80.0, description="The level of the interval: 50, 80, 90 or 95.")


class DecompositionQuery(StoredSeriesSelection):
    """Series taken apart; a page counts series, each with all of its months."""

    limit: int = Field(default=10, ge=1, le=100, description="How many series at most.")


class TrackingQuery(StoredSeriesSelection):
    """Published forecasts whose month has come."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many forecasts at most.")
    run: RunId | None = Field(default=None, description="Only what this run said.")
    step: int | None = Field(default=None, ge=1, le=120, description="Only this many months ahead.")
    start: Month | None = Field(default=None, description="First month, YYYY-MM.")
    end: Month | None = Field(default=None, description="Last month, YYYY-MM.")
    live: bool | None = Field(
        default=None, description="Only forecasts published before the figure came, or only those made afterwards."
    )
    drifts: bool | None = Field(default=None, description="Only where the rolling error says drift, or where not.")


class TrackedSeriesQuery(StoredSeriesSelection):
    """Series that have a record."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many series at most.")
    drifts: bool | None = Field(default=None, description="Only series that drift, or only those that do not.")


class ExternalForecastQuery(StoredSeriesSelection):
    """Forecasts that others made."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many forecasts at most.")
    model: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,60}$", description="Who made them.")
    start: Month | None = Field(default=None, description="First month, YYYY-MM.")
    end: Month | None = Field(default=None, description="Last month, YYYY-MM.")
    scored: bool | None = Field(default=None, description="Only those whose target came, or only those that wait.")


class ExternalModelsQuery(StoredSeriesSelection):
    """Who made forecasts, and how they did."""


class RunChangesQuery(StoredSeriesSelection):
    """How forecasts moved since an earlier run."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many months of series at most.")
    against: RunId | None = Field(default=None, description="The earlier run; without it the published one before.")
    horizon: int | None = Field(default=None, ge=1, le=120, description="Only up to this many months ahead.")


class RunsQuery(Paged):
    """Runs."""

    dataset: Code | None = Field(default=None, description="A dataset's code.")
    status: Literal["queued", "running", "published", "unchanged", "failed"] | None = Field(
        default=None, description="How far the runs are."
    )
