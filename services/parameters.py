"""Query parameters: types, bounds, and the groups that several query models share.

An endpoint refuses a parameter that it does not know: a misspelt filter would otherwise be ignored and the answer would
be about something else.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from forecasting.analysis.periods import GROWTH, KINDS, parse_period

CODE = r"^[A-Za-z0-9_.+-]{1,40}$"
MONTH = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"
PERIOD = r"^[1-9][0-9]{3}(-Q[1-4]|-(0[1-9]|1[0-2])(/[1-9][0-9]{3}-(0[1-9]|1[0-2]))?)?$"
GREATEST_ID = 2**31 - 1
GREATEST_OFFSET = 10**9
AS_OF = "Only values known on this day, YYYY-MM-DD; the default is today."
DEFAULT_LEVELS = [80.0, 95.0]
SCORE_KINDS = (*KINDS, *(kind + GROWTH for kind in KINDS))
RENAMED: Mapping[str, str] = {"certificate": "coverage"}
"""Parameters of earlier releases and their present names."""


def split_commas(value: Any) -> Any:
    """Lists are given by repeating the parameter, by commas, or both."""
    values = value if isinstance(value, list) else [value]
    return [part for item in values for part in (item.split(",") if isinstance(item, str) else [item])]


def unique(values: list[Any]) -> list[Any]:
    """Each value once, in order."""
    return sorted(set(values))


def _month(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(MONTH, value):
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


def _period(text: str) -> str:
    parse_period(text)
    return text


Code = Annotated[str, Field(pattern=CODE)]
Codes = Annotated[list[Code], BeforeValidator(split_commas), AfterValidator(unique), Field(max_length=500)]
Flow = Literal["X", "M", "B"]
Flows = Annotated[list[Flow], BeforeValidator(split_commas), AfterValidator(unique)]
StoredFlows = Annotated[list[Literal["X", "M"]], BeforeValidator(split_commas), AfterValidator(unique)]
EventKind = Literal["tariff", "truce", "closure", "rebate", "control", "other"]
EventKinds = Annotated[list[EventKind], BeforeValidator(split_commas), AfterValidator(unique)]
Level = Annotated[float, Field(gt=0, lt=100)]
Levels = Annotated[list[Level], BeforeValidator(split_commas), AfterValidator(unique), Field(max_length=20)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Quantiles = Annotated[list[Probability], BeforeValidator(split_commas), AfterValidator(unique), Field(max_length=20)]
Month = Annotated[date, BeforeValidator(_month), WithJsonSchema({"type": "string", "pattern": MONTH})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Kind = Annotated[str, AfterValidator(_kind), WithJsonSchema({"type": "string", "enum": list(SCORE_KINDS)})]
PeriodText = Annotated[str, AfterValidator(_period), WithJsonSchema({"type": "string", "pattern": PERIOD})]
RunId = Annotated[int, Field(ge=1, le=GREATEST_ID)]


Measure = Literal["value", "quantity", "unit_value"]
Format = Literal["json", "csv", "parquet", "xlsx"]


class Parameters(BaseModel):
    """Parameters common to all GET endpoints."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format | None = Field(
        default=None,
        description="`json`, `csv`, `parquet` or `xlsx`; the default follows the Accept header, else JSON.",
    )


class Paged(Parameters):
    """A page of a list in JSON; CSV, Parquet and Excel hold the whole list unless `limit` is given."""

    limit: int = Field(default=100, ge=1, le=1000, description="Greatest number of rows.")
    offset: int = Field(default=0, ge=0, le=GREATEST_OFFSET, description="Number of rows to skip.")
    digits: int | None = Field(
        default=None, ge=1, le=17, description="Significant digits of numbers in tables; the default is 12 in CSV."
    )


class SeriesCodes(Paged):
    """Filter by partner and sector. Several codes are given with commas or by repeating the parameter."""

    partner: Codes | None = Field(default=None, description="Partners or groups; the default is every stored partner.")
    sector: Codes | None = Field(default=None, description="Sectors; the default is all.")


class SeriesSelection(SeriesCodes):
    """Filter of series, including balances."""

    flow: Flows | None = Field(
        default=None, description="X exports, M imports, B the balance X - M; the default is X and M."
    )


class StoredSeriesSelection(SeriesCodes):
    """Filter of stored series."""

    flow: StoredFlows | None = Field(default=None, description="X exports, M imports; the default is both.")


class SingleSeries(BaseModel):
    """Selection of exactly one series, group or balance; a code may be left out where the dataset has only one."""

    flow: Flow | None = Field(default=None, description="X exports, M imports, B the balance X - M.")
    partner: Code | None = Field(default=None, description="A partner or a group.")
    sector: Code | None = Field(default=None, description="A sector.")


class MeasureSelection(BaseModel):
    """Selection of a measure, where a dataset publishes quantities beside values."""

    measure: Measure = Field(
        default="value",
        description="Values, quantities in a unit of their own, or unit values: value by quantity, in money per unit.",
    )


class MonthRange(BaseModel):
    """A range of months, both ends included."""

    start: Month | None = Field(default=None, description="First month, YYYY-MM.")
    end: Month | None = Field(default=None, description="Last month, YYYY-MM.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start:%Y-%m} is after end {self.end:%Y-%m}")
        return self


class KnownMonths(MonthRange):
    """A range of months as known on a day."""

    as_of: Day | None = Field(default=None, description=AS_OF)


class RunSelection(BaseModel):
    """Selection of the run that answers."""

    run: RunId | None = Field(default=None, description="A run's number; the default is the latest published run.")
    as_of: Day | None = Field(
        default=None, description="The latest published run whose own `as_of` is no later than this day, YYYY-MM-DD."
    )

    @model_validator(mode="after")
    def _exclusive(self) -> Self:
        if self.run is not None and self.as_of is not None:
            raise ValueError("give run or as_of, not both")
        return self
