"""Query parameters of forecasts and of what is asked of them."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from forecasting.analysis.period_draws import HAVE_A_PERIOD_BEFORE, OF_A_WHOLE, ON_THE_PERIOD_BEFORE, Units
from forecasting.analysis.periods import Frequency, Period, parse_period
from services.parameters import (
    DEFAULT_LEVELS,
    Code,
    Levels,
    Paged,
    Parameters,
    Quantiles,
    RunSelection,
    SeriesSelection,
)

Whole = Literal["partner", "sector", "total"]
Flow = Literal["X", "M", "B"]


def _period(text: str) -> str:
    parse_period(text)
    return text


class IntervalOptions(BaseModel):
    """How the uncertainty of an answer is told."""

    level: Levels = Field(
        default=DEFAULT_LEVELS, description="Levels of the intervals in per cent, each above 0 and below 100."
    )
    quantile: Quantiles = Field(default=[], description="Probabilities whose quantiles are wanted, above 0, below 1.")
    coverage: bool = Field(
        default=False, description="Say how often intervals of these levels held what came, on the backtest's folds."
    )


class UnitOptions(IntervalOptions):
    """In what units an answer is, and how its uncertainty is told."""

    units: Units = Field(
        default="lin",
        description="As FRED has them: `lin` the level, `chg` and `pch` the change and the per cent change on the "
        "period before, `ch1` and `pc1` those on a year ago, `log` the natural logarithm; `share` of a total, in per "
        "cent; `contribution` to a total's growth on a year ago, in percentage points.",
    )
    of: Whole | None = Field(
        default=None,
        description="The total of a share or a contribution: the `partner`'s over all sectors, the `sector`'s over all "
        "partners, or the `total` of both, which is the default.",
    )

    @property
    def whole(self) -> Whole | None:
        """What a share or a contribution is of; None in other units."""
        return (self.of or "total") if self.units in OF_A_WHOLE else None

    @model_validator(mode="after")
    def _of_a_whole(self) -> Self:
        if self.of is not None and self.units not in OF_A_WHOLE:
            raise ValueError(f"of={self.of} goes with units=share or units=contribution, not with units={self.units}")
        return self


class HorizonOptions(BaseModel):
    """How far ahead, and by which periods."""

    horizon: int | None = Field(default=None, ge=1, le=120, description="Months ahead; without it the run's own.")
    frequency: Frequency = Field(
        default="M",
        description="Sums of months, observed ones as observed: `M` months, `Q` quarters, `A` calendar years, `YTD` "
        "the year to date, `JF` January with February.",
    )


class RunForecastQuery(SeriesSelection, UnitOptions, HorizonOptions):
    """Forecasts of one run; a page counts series."""

    limit: int = Field(default=1000, ge=1, le=1000, description="How many series at most.")
    period: Annotated[str, AfterValidator(_period)] | None = Field(
        default=None,
        description="One period, without a frequency or a horizon: `2026`, `2026-Q1`, `2026-03`, or from a first month "
        "to a last, `2026-08/2027-07`; a part of it is to come, and it ends within the run.",
    )

    @property
    def plain(self) -> bool:
        """Monthly levels, which are what is stored."""
        return self.frequency == "M" and self.units == "lin" and self.period is None

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.period is not None:
            if self.frequency != "M":
                raise ValueError("give a period or a frequency, not both")
            if self.horizon is not None:
                raise ValueError("give a period or a horizon, not both")
            refuse_period_before(self.period, self.units)
        if self.frequency in ("YTD", "JF") and self.units in ON_THE_PERIOD_BEFORE:
            raise ValueError(f"frequency={self.frequency} has no period before; ask for units=ch1 or units=pc1")
        refuse_balance(self.flow, self.units)
        return self


def refuse_period_before(period: str, units: Units) -> None:
    """Raises ValueError for a change on the period before a period that has none."""
    if units in ON_THE_PERIOD_BEFORE and parse_period(period).kind not in HAVE_A_PERIOD_BEFORE:
        raise ValueError(f"{period} has no period before; ask for units=ch1 or units=pc1")


def refuse_balance(flows: Iterable[str] | None, units: Units) -> None:
    """A balance may change its sign. Raises ValueError for a share of it, and for a contribution to it."""
    if units in OF_A_WHOLE and "B" in (flows or ()):
        raise ValueError(f"units={units} is not defined for flow B: a balance may be zero or below")


class ForecastQuery(RunForecastQuery, RunSelection):
    """Forecasts of a dataset."""


class ProbabilityQuery(Parameters, UnitOptions, RunSelection):
    """The chance that one series lies above, below or between thresholds in a period."""

    flow: Flow | None = Field(default=None, description="X exports, M imports, B the balance X - M.")
    partner: Code | None = Field(default=None, description="A partner or a group.")
    sector: Code | None = Field(default=None, description="A sector.")
    period: Annotated[str, AfterValidator(_period)] = Field(
        description="`2026`, `2026-Q1`, `2026-03`, or from a first month to a last: `2026-01/2026-02`."
    )
    above: float | None = Field(default=None, allow_inf_nan=False, description="In the unit of the answer.")
    below: float | None = Field(
        default=None, allow_inf_nan=False, description="In the unit of the answer; with `above`, between the two."
    )

    @property
    def span(self) -> Period:
        """The period asked about."""
        return parse_period(self.period)

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("give above, below, or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above {self.above:g} and below {self.below:g} leave nothing between them")
        refuse_period_before(self.period, self.units)
        refuse_balance(self.flow, self.units)
        return self


class ConcentrationQuery(Parameters, IntervalOptions, HorizonOptions, RunSelection):
    """The concentration of a flow over partners or over sectors."""

    over: Literal["partner", "sector"] = Field(description="Whose shares are squared.")
    flow: Literal["X", "M"] = Field(default="X", description="X exports, M imports.")
    partner: Code | None = Field(default=None, description="Over sectors: of which partner or group; WLD if not given.")
    sector: Code | None = Field(default=None, description="Over partners: of which sector; TOTAL if not given.")

    @model_validator(mode="after")
    def _of_the_other(self) -> Self:
        if getattr(self, self.over) is not None:
            raise ValueError(f"over={self.over} counts every {self.over}: leave {self.over} out")
        return self


class ForecastHistoryQuery(Paged):
    """What else was said of one series."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="How many rows at most.")
    of: Literal["forecasters", "earlier"] = Field(
        default="forecasters", description="Every forecaster by itself, or the combination at earlier cutoffs."
    )
    flow: Flow | None = Field(default=None, description="X exports, M imports, B the balance X - M.")
    partner: Code | None = Field(default=None, description="A partner or a group.")
    sector: Code | None = Field(default=None, description="A sector.")
    frequency: Literal["M", "Q", "A"] = Field(default="M", description="Months, quarters or calendar years.")
    units: Literal["lin", "pc1"] = Field(default="lin", description="The level, or the growth on a year ago.")
