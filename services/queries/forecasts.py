"""Query models of forecasts, probabilities, concentration, decomposition and forecast history."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from forecasting.analysis.period_draws import HAVE_A_PERIOD_BEFORE, OF_A_WHOLE, ON_THE_PERIOD_BEFORE, Units
from forecasting.analysis.periods import Frequency, Period, parse_period
from services.parameters import (
    DEFAULT_LEVELS,
    Code,
    Levels,
    MeasureSelection,
    Paged,
    Parameters,
    PeriodText,
    Quantiles,
    RunSelection,
    SeriesSelection,
    SingleSeries,
    StoredSeriesSelection,
)

View = Literal["statistical", "judgement"]
Whole = Literal["partner", "sector", "total"]


class IntervalOptions(BaseModel):
    """Intervals and quantiles of an answer."""

    level: Levels = Field(
        default=DEFAULT_LEVELS, description="Levels of the intervals in per cent, each above 0 and below 100."
    )
    quantile: Quantiles = Field(default=[], description="Probabilities of further quantiles, above 0 and below 1.")
    coverage: bool = Field(
        default=False, description="Add the empirical coverage of intervals of these levels on the backtest's folds."
    )


class UnitSelection(BaseModel):
    """Units of an answer."""

    units: Units = Field(
        default="lin",
        description="As in FRED: `lin` the level, `chg` and `pch` the change and the per cent change on the "
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
        """The total that a share or a contribution is of; None in other units."""
        return (self.of or "total") if self.units in OF_A_WHOLE else None

    @model_validator(mode="after")
    def _of_a_whole(self) -> Self:
        if self.of is not None and self.units not in OF_A_WHOLE:
            raise ValueError(f"of={self.of} goes with units=share or units=contribution, not with units={self.units}")
        return self


class UnitOptions(IntervalOptions, UnitSelection):
    """Units of an answer, with its intervals."""


class HorizonOptions(BaseModel):
    """Horizon in months and frequency of the periods."""

    horizon: int | None = Field(default=None, ge=1, le=120, description="Months ahead; the default is the run's own.")
    frequency: Frequency = Field(
        default="M",
        description="Sums of months, with observed months as observed: `M` months, `Q` quarters, `A` calendar years, "
        "`YTD` the year to date, `JF` January with February.",
    )


class RunForecastQuery(SeriesSelection, MeasureSelection, UnitOptions, HorizonOptions):
    """Forecasts of a run; a page counts series."""

    limit: int = Field(default=1000, ge=1, le=1000, description="Greatest number of series.")
    view: View = Field(
        default="statistical",
        description="`judgement` applies the adjustments of the run to its joint paths; `statistical` does not.",
    )
    period: PeriodText | None = Field(
        default=None,
        description="One period instead of a frequency and a horizon: `2026`, `2026-Q1`, `2026-03`, or a range of "
        "months, `2026-08/2027-07`. It must end after the run's cutoff and within its horizon.",
    )
    include: Literal["history"] | None = Field(
        default=None,
        description="`history` adds the periods that the run has observed, in the units and the frequency of the "
        "forecasts.",
    )

    @property
    def plain(self) -> bool:
        """Whether monthly levels are asked for, which are stored."""
        return self.frequency == "M" and self.units == "lin" and self.period is None

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.period is not None:
            if self.frequency != "M":
                raise ValueError("give a period or a frequency, not both")
            if self.horizon is not None:
                raise ValueError("give a period or a horizon, not both")
            if self.include is not None:
                raise ValueError("give a period or include=history, not both")
            refuse_period_before(self.period, self.units)
        refuse_frequency(self.frequency, self.units)
        if self.coverage and self.view == "judgement":
            raise ValueError("coverage is known of view=statistical only")
        refuse_balance(self.flow, self.units)
        refuse_share(self.measure, self.units)
        return self


def refuse_period_before(period: str, units: Units) -> None:
    """Raises ValueError for a change on the period before, where the period has none."""
    if units in ON_THE_PERIOD_BEFORE and parse_period(period).kind not in HAVE_A_PERIOD_BEFORE:
        raise ValueError(f"{period} has no period before; ask for units=ch1 or units=pc1")


def refuse_frequency(frequency: Frequency, units: Units) -> None:
    """Raises ValueError for a change on the period before, where periods of the frequency have none."""
    if frequency in ("YTD", "JF") and units in ON_THE_PERIOD_BEFORE:
        raise ValueError(f"frequency={frequency} has no period before; ask for units=ch1 or units=pc1")


def refuse_balance(flows: Iterable[str] | None, units: Units) -> None:
    """Raises ValueError for a share of a balance or a contribution to one: its sign may change."""
    if units in OF_A_WHOLE and "B" in (flows or ()):
        raise ValueError(f"units={units} is not defined for flow B: a balance may be zero or below")


def refuse_share(measure: str, units: Units) -> None:
    """Raises ValueError for a share of quantities or unit values: they do not add up to a total."""
    if measure != "value" and units in OF_A_WHOLE:
        raise ValueError(f"units={units} goes with measure=value: quantities and unit values have no total")


class ForecastQuery(RunForecastQuery, RunSelection):
    """Forecasts of a dataset."""


class ProbabilityQuery(Parameters, UnitOptions, SingleSeries, MeasureSelection, RunSelection):
    """The probability that a series lies above, below or between thresholds in a period."""

    period: PeriodText = Field(description="`2026`, `2026-Q1`, `2026-03`, or a range of months: `2026-01/2026-02`.")
    above: float | None = Field(default=None, allow_inf_nan=False, description="In the unit of the answer.")
    below: float | None = Field(
        default=None, allow_inf_nan=False, description="In the unit of the answer; with `above`, between the two."
    )

    @property
    def span(self) -> Period:
        """The period."""
        return parse_period(self.period)

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("give above, below, or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above {self.above:g} and below {self.below:g} leave nothing between them")
        refuse_period_before(self.period, self.units)
        refuse_balance(self.flow, self.units)
        refuse_share(self.measure, self.units)
        return self


class ConcentrationQuery(Parameters, IntervalOptions, HorizonOptions, RunSelection):
    """The concentration of a flow over partners or over sectors."""

    over: Literal["partner", "sector"] = Field(description="The dimension whose shares are squared.")
    flow: Literal["X", "M"] = Field(default="X", description="X exports, M imports.")
    partner: Code | None = Field(
        default=None, description="With over=sector: the partner or group; the default is WLD."
    )
    sector: Code | None = Field(default=None, description="With over=partner: the sector; the default is TOTAL.")
    history: int = Field(default=36, ge=0, le=360, description="Months of observed history, in periods that they hold.")

    @model_validator(mode="after")
    def _other_dimension(self) -> Self:
        if getattr(self, self.over) is not None:
            raise ValueError(f"over={self.over} counts every {self.over}: leave {self.over} out")
        return self


class DecompositionQuery(StoredSeriesSelection):
    """Decomposed series; a page counts series, each with all of its months."""

    limit: int = Field(default=10, ge=1, le=100, description="Greatest number of series.")


class ForecastHistoryQuery(Paged, SingleSeries):
    """Other forecasts of one series: of the single forecasters, or of earlier cutoffs."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of rows.")
    of: Literal["forecasters", "earlier"] = Field(
        default="forecasters", description="Every single forecaster, or the combination at earlier cutoffs."
    )
    frequency: Literal["M", "Q", "A"] = Field(default="M", description="Months, quarters or calendar years.")
    units: Literal["lin", "pc1"] = Field(default="lin", description="The level, or the growth on a year ago.")


class DrawsQuery(SeriesSelection):
    """The joint paths of a run, as Parquet or CSV."""

    horizon: int | None = Field(default=None, ge=1, le=120, description="Months ahead; the default is the run's own.")
    view: View = Field(default="statistical", description="`judgement` applies the adjustments of the run.")
    layout: Literal["plain", "hubverse"] = Field(
        default="plain", description="draw, series, month, value; or the hubverse's model output of type `sample`."
    )

    @model_validator(mode="after")
    def _streamed(self) -> Self:
        if self.format not in (None, "parquet", "csv"):
            raise ValueError(f"draws are served as parquet or csv, not as {self.format}")
        return self
