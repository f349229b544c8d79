"""Scenarios as they are stated: conditions on the joint paths, and shocks with their profile and diversion."""

from datetime import date
from math import inf
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, model_validator

from forecasting.analysis.period_draws import OF_A_WHOLE, Units
from forecasting.analysis.periods import Period, parse_period
from forecasting.analysis.shocks import ELASTICITY, Profile
from services.parameters import (
    DEFAULT_LEVELS,
    Code,
    Levels,
    Month,
    Paged,
    PeriodText,
    RunId,
    split_commas,
    unique,
)

SERIES = r"^(X|M|B)\.[A-Za-z0-9_]{1,40}(\.[A-Za-z0-9_.-]{1,40})?$"
LONGEST_PATH, MOST_CONDITIONS, MOST_QUESTIONS = 24, 24, 500
STRICT = ConfigDict(extra="forbid", frozen=True, strict=False)


def _month(value: object) -> object:
    return value.isoformat()[:7] if isinstance(value, date) else value


SeriesText = Annotated[
    str,
    Field(pattern=SERIES, description="Flow, partner and sector: `X.USA`, `B.WLD`, `X.EU27.EV`; TOTAL if left out."),
]


class Condition(BaseModel):
    """A statement about one series in one period: a value, a bound, a mean, or a path by month.

    `value` and `values` hold in every draw. `at_least` and `at_most` bound every draw. `mean` moves the mean of the
    forecast and keeps its uncertainty.
    """

    model_config = STRICT

    series: SeriesText
    period: PeriodText = Field(description="2027, 2027-Q1, 2027-03, or 2026-08/2027-07; of `values` the first month.")
    units: Units = "lin"
    of: Literal["partner", "sector", "total"] = Field(default="total", description="The whole of a share.")
    value: float | None = Field(default=None, allow_inf_nan=False)
    values: list[Annotated[float, Field(allow_inf_nan=False)]] | None = Field(default=None, max_length=LONGEST_PATH)
    mean: float | None = Field(default=None, allow_inf_nan=False)
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)

    @property
    def whole(self) -> Literal["partner", "sector", "total"] | None:
        """The denominator of a share or a contribution; None in other units."""
        return self.of if self.units in OF_A_WHOLE else None

    @property
    def is_bound(self) -> bool:
        """Whether it bounds the draws."""
        return self.at_least is not None or self.at_most is not None

    @property
    def limits(self) -> tuple[float, float]:
        """The lower and the upper bound of the draws; infinite where there is none."""
        lo = -inf if self.at_least is None else self.at_least
        return lo, inf if self.at_most is None else self.at_most

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.value is not None, self.values is not None, self.mean is not None, self.is_bound)
        if sum(kinds) != 1:
            raise ValueError("give one of value, values, mean, or at_least and at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least >= self.at_most:
            raise ValueError(f"at_least {self.at_least:g} and at_most {self.at_most:g} leave nothing between them")
        return self

    def single(self) -> "list[tuple[Condition, Period]]":
        """The condition by period: one for each month of a path."""
        period = parse_period(self.period)
        if self.values is None:
            return [(self, period)]
        months = (Period(period.first + step, period.first + step, "month") for step in range(len(self.values)))
        return [
            (self.model_copy(update={"values": None, "value": value, "period": month.label}), month)
            for value, month in zip(self.values, months, strict=True)
        ]


class Tariff(BaseModel):
    """A change of a tariff rate in percentage points, and the range of the elasticity of import demand."""

    model_config = STRICT

    rate_change: float = Field(gt=-100, le=1000)
    elasticity: tuple[float, float] = ELASTICITY

    @model_validator(mode="after")
    def _range(self) -> Self:
        if not 0 <= self.elasticity[0] <= self.elasticity[1] <= 20:
            raise ValueError("elasticity is a range from a lower to an upper value, each from 0 to 20")
        return self


class ShockProfile(BaseModel):
    """The course of a shock; see `forecasting.analysis.shocks.Profile`."""

    model_config = STRICT

    pull_forward: float = Field(default=0.0, ge=0, le=2)
    pull_forward_months: int = Field(default=3, ge=1, le=12)
    trough_months: int = Field(default=12, ge=1, le=120)
    recovery_months: int = Field(default=0, ge=0, le=120)
    remaining: float = Field(default=1.0, ge=0, le=1)

    def profile(self) -> Profile:
        """The profile."""
        return Profile(**self.model_dump())


class Shock(BaseModel):
    """A change in trade with a partner from a month on: its size in per cent or a tariff, its course, its diversion."""

    model_config = STRICT

    flow: Literal["X", "M"] = "X"
    partner: Code
    sector: Code | None = Field(default=None, description="One sector; all of them if not given.")
    start: Annotated[Month, BeforeValidator(_month)]
    size: float | None = Field(default=None, ge=-100, le=1000, description="In per cent of the forecast.")
    tariff: Tariff | None = None
    profile: ShockProfile = ShockProfile()
    diversion: float = Field(default=0.0, ge=0, le=1, description="The share of the loss that others gain.")
    divert_by: Literal["level", "co_movement"] = Field(
        default="level",
        description="Who gains most: the largest, or those that moved least with the shocked trade.",
    )
    to: list[Code] | None = Field(
        default=None, max_length=100, description="Who gains; all other partners if not given."
    )

    @field_serializer("start")
    def _start(self, start: date) -> str:
        return f"{start:%Y-%m}"

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.size is None) == (self.tariff is None):
            raise ValueError("give size or tariff")
        return self


class RegressorPath(BaseModel):
    """Another future of one of the dataset's own regressors: its values by month, from the month `start` on."""

    model_config = STRICT

    regressor: Code
    start: Annotated[Month, BeforeValidator(_month)]
    values: list[Annotated[float, Field(allow_inf_nan=False)]] = Field(min_length=1, max_length=120)


class Question(BaseModel):
    """A quantity reported under a scenario and under the baseline."""

    model_config = STRICT

    series: SeriesText
    frequency: Literal["M", "Q", "A", "YTD", "JF"] = "A"
    period: PeriodText | None = Field(default=None, description="One period in place of a frequency.")
    units: Units = "lin"
    of: Literal["partner", "sector", "total"] = "total"
    above: float | None = Field(default=None, allow_inf_nan=False, description="Add the probability of more than this.")
    below: float | None = Field(
        default=None, allow_inf_nan=False, description="Add the probability of at most this; with above, of between."
    )

    @property
    def whole(self) -> Literal["partner", "sector", "total"] | None:
        """The denominator of a share or a contribution; None in other units."""
        return self.of if self.units in OF_A_WHOLE else None


class Scenario(BaseModel):
    """A named set of conditions and shocks on the joint paths of a run."""

    model_config = STRICT

    name: str = Field(min_length=1, max_length=120)
    author: str = Field(default="", max_length=120)
    reason: str = Field(default="", max_length=2000)
    run: RunId | None = Field(default=None, description="A run's number; without it the latest published one.")
    conditions: list[Condition] = Field(default=[], max_length=MOST_CONDITIONS)
    shocks: list[Shock] = Field(default=[], max_length=MOST_CONDITIONS)
    regressors: list[RegressorPath] = Field(
        default=[], max_length=MOST_CONDITIONS, description="Other futures of the dataset's own regressors."
    )
    report: list[Question] = Field(
        default=[],
        max_length=MOST_QUESTIONS,
        description="The yearly level and growth of each partner's total if not given.",
    )
    level: Levels = DEFAULT_LEVELS

    @model_validator(mode="after")
    def _states_something(self) -> Self:
        if not (self.conditions or self.shocks or self.regressors):
            raise ValueError("give conditions, shocks or regressors")
        if sum(len(condition.values or [1]) for condition in self.conditions) > MOST_CONDITIONS:
            raise ValueError(f"conditions are on {MOST_CONDITIONS} periods at most")
        return self


class NewScenario(Scenario):
    """A scenario to be stored: its dataset, its author and the reason."""

    dataset: Code
    author: str = Field(min_length=1, max_length=120)
    reason: str = Field(min_length=1, max_length=2000)


Numbers = Annotated[list[RunId], BeforeValidator(split_commas), AfterValidator(unique), Field(max_length=6)]


class ScenariosQuery(Paged):
    """Stored scenarios."""

    dataset: Code | None = Field(default=None, description="A dataset's code.")


class StoredForecastQuery(Paged):
    """The forecasts under a stored scenario."""

    run: RunId | None = Field(default=None, description="A run's number; the default is the latest one computed.")


class ScenarioComparisonQuery(Paged):
    """The forecasts under several stored scenarios of a dataset."""

    scenario: Numbers = Field(
        min_length=1, description="Numbers of stored scenarios, separated by commas; six at most."
    )
