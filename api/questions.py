"""Query parameters of forecasts and of what is asked of them."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from api.params import DEFAULT_LEVELS, ChosenRun, Levels, Quantiles, SeriesChoice
from forecasting.answers import OF_A_WHOLE, ON_THE_PERIOD_BEFORE, Units
from forecasting.spans import Frequency

Whole = Literal["partner", "sector", "total"]


class Terms(BaseModel):
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
    level: Levels = Field(
        default=DEFAULT_LEVELS, description="Levels of the intervals in per cent, each above 0 and below 100."
    )
    quantile: Quantiles = Field(default=[], description="Probabilities whose quantiles are wanted, above 0, below 1.")
    certificate: bool = Field(
        default=False,
        description="Say how often intervals of these levels held what came, on the folds of the backtest.",
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


class RunForecastQuery(SeriesChoice, Terms):
    """Forecasts of one run; a page counts series."""

    limit: int = Field(default=1000, ge=1, le=1000, description="How many series at most.")
    horizon: int | None = Field(default=None, ge=1, le=120, description="Months ahead; without it the run's own.")
    frequency: Frequency = Field(
        default="M",
        description="Sums of months, observed ones as observed: `M` months, `Q` quarters, `A` calendar years, `YTD` "
        "the year to date, `JF` January with February.",
    )

    @property
    def plain(self) -> bool:
        """Monthly levels, which are what is stored."""
        return self.frequency == "M" and self.units == "lin"

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.frequency in ("YTD", "JF") and self.units in ON_THE_PERIOD_BEFORE:
            raise ValueError(f"frequency={self.frequency} has no period before; ask for units=ch1 or units=pc1")
        refuse_balance(self.flow, self.units)
        return self


def refuse_balance(flows: Iterable[str] | None, units: Units) -> None:
    """A balance may change its sign. Raises ValueError for a share of it, and for a contribution to it."""
    if units in OF_A_WHOLE and "B" in (flows or ()):
        raise ValueError(f"units={units} is not defined for flow B: a balance may be zero or below")


class ForecastQuery(RunForecastQuery, ChosenRun):
    """Forecasts of a dataset."""
