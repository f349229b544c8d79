"""Query models of backtests."""

from typing import Literal, Self

from pydantic import Field, model_validator

from services.parameters import (
    DEFAULT_LEVELS,
    SCORE_KINDS,
    Code,
    Kind,
    Level,
    Levels,
    RunSelection,
    SeriesSelection,
)


class BacktestQuery(SeriesSelection, RunSelection):
    """Scores of a backtest."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of scores.")
    by: Literal["step", "forecaster", "series"] = Field(
        default="step", description="A score for each step ahead, each forecaster, or each series."
    )
    kind: Kind = Field(default="month", description=f"The forecast quantity: {', '.join(SCORE_KINDS)}.")
    forecaster: Code = Field(default="combination", description="The forecaster whose scores by step or series.")
    group: Literal["total", "partner", "sector", "part"] | None = Field(
        default=None,
        description="Only the grand `total`, `partner` totals, `sector` totals, or the `part`s that are neither, of "
        "the series selected; the default is all.",
    )


class FoldQuery(SeriesSelection, RunSelection):
    """Forecasts of one series at the folds of a backtest; a page counts folds, newest first."""

    kind: Kind = Field(
        default="month",
        description=f"The forecast quantity: {', '.join(SCORE_KINDS)}. Growth is available up to a year ahead, where "
        "the year before was known.",
    )
    forecaster: Code = Field(default="combination", description="A forecaster (months only), or `combination`.")
    level: Levels = Field(default=DEFAULT_LEVELS, description="Levels of the intervals: 50, 80, 90 or 95.")

    @model_validator(mode="after")
    def _stored(self) -> Self:
        if self.forecaster != "combination" and not self.kind.startswith("month"):
            raise ValueError(f"kind={self.kind} is kept for forecaster=combination, not for {self.forecaster}")
        return self


class MissQuery(SeriesSelection, RunSelection):
    """Outcomes furthest outside the interval."""

    limit: int = Field(default=100, ge=1, le=1000, description="Greatest number of misses.")
    kind: Kind = Field(default="month", description=f"The forecast quantity: {', '.join(SCORE_KINDS)}.")
    step: int | None = Field(
        default=None,
        ge=1,
        le=120,
        description="Months: exactly this many months ahead, default 1. Longer periods: those that end at most this "
        "many months ahead, default 12. Growth: up to 12.",
    )
    level: Level = Field(default=80.0, description="The level of the interval: 50, 80, 90 or 95.")
