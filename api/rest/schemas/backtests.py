"""Answers about backtests: scores, folds, misses and empirical coverage."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import FoldsAnswer, IntervalAnswer, Month, Page, Period, answer
from api.rest.schemas.runs import RunAnswer


@answer
class ScoreAnswer(TypedDict):
    """A metric averaged over series, beside the baseline's over the same series and folds."""

    unique_id: Annotated[str | None, Field(description="The series, where scores are by series.")]
    forecaster: str
    step: Annotated[int | None, Field(description="Months ahead; null where all steps are pooled.")]
    metric: str
    level: Annotated[float | None, Field(description="The interval's level in per cent, for coverage.")]
    value: float
    baseline: Annotated[float | None, Field(description="The same metric of the seasonal naive forecast.")]
    unit: str
    n: Annotated[int, Field(description="Number of forecasts scored.")]
    series: Annotated[int, Field(description="Number of series averaged over.")]


@answer
class PitAnswer(TypedDict):
    """Number of outcomes with between `lo` and `hi` per cent of the draws below them."""

    lo: float
    hi: float
    count: int
    share: float


@answer
class ConditionalCoverageAnswer(TypedDict):
    """Interval coverage of months in a group of cutoffs and series, over all series of the run."""

    condition: Annotated[str, Field(description="volatility, level or lateness.")]
    group: str
    level: float
    coverage: float
    n: Annotated[int, Field(description="Number of outcomes.")]


@answer
class BacktestPage(Page):
    """Scores of a backtest."""

    dataset: str
    unit: str
    run: RunAnswer
    by: str
    kind: str
    group: Annotated[
        str | None,
        Field(description="The selected level of aggregation: total, partner, sector or part; null for all."),
    ]
    baseline: str
    pit: Annotated[list[PitAnswer] | None, Field(description="Over all steps; null where none is stored.")]
    folds: FoldsAnswer
    vintage_folds: Annotated[int, Field(description="Folds that use the data known at their cutoff.")]
    revised_data: Annotated[bool, Field(description="Whether the other folds use revised data.")]
    conditional_coverage: Annotated[
        list[ConditionalCoverageAnswer],
        Field(description="By volatility, change of level and lateness at the cutoff; empty for earlier runs."),
    ]
    scores: list[ScoreAnswer]


@answer
class FoldMonth(TypedDict):
    """A month of a fold, or the period that ends with it: forecast and outcome."""

    month: Month
    step: int
    mean: float
    actual: float | None
    intervals: list[IntervalAnswer]
    period: Annotated[Period, Field(description="The period that ends with the month.")]


@answer
class FoldAnswer(TypedDict):
    """A cutoff of a backtest."""

    cutoff: Month
    revised_data: Annotated[
        bool, Field(description="Whether the fold uses revised data because the vintage is not known.")
    ]
    months: list[FoldMonth]


@answer
class FoldPage(Page):
    """The folds of a series, newest first."""

    unique_id: str
    dataset: str
    unit: str
    kind: str
    forecaster: str
    run: RunAnswer
    folds: list[FoldAnswer]


@answer
class MissAnswer(TypedDict):
    """A period whose outcome lies outside the interval, and its distance in interval widths."""

    unique_id: str
    period: Period
    month: Month
    cutoff: Month
    step: int
    unit: str
    mean: float
    lo: float
    hi: float
    actual: float
    interval_widths: float


@answer
class MissPage(Page):
    """Misses, the furthest first."""

    dataset: str
    unit: str
    kind: str
    level: float
    run: RunAnswer
    misses: list[MissAnswer]


@answer
class LevelAnswer(TypedDict):
    """A requested level and the stored levels used for it: itself, or its neighbours."""

    level: float
    stored: list[float]


@answer
class CoverageRowAnswer(TypedDict):
    """The share of outcomes inside intervals of a level."""

    level: float
    step: Annotated[int | None, Field(description="Months ahead; null where all steps are pooled.")]
    coverage: float
    n: Annotated[int, Field(description="Number of forecasts scored.")]
    standard_error: Annotated[float, Field(description="If all forecasts were independent.")]
    standard_error_by_period: Annotated[
        float, Field(description="If all forecasts of a period counted as one case; as many cases as periods.")
    ]


@answer
class CoverageAnswer(TypedDict):
    """Empirical coverage of answers of this kind on the folds of the backtest."""

    kind: Annotated[str | None, Field(description="The scored quantity; null where none of this kind is scored.")]
    reason: Annotated[str | None, Field(description="Why there is no coverage.")]
    forecaster: str
    series: Annotated[int, Field(description="Number of stored series pooled.")]
    of_parts: Annotated[bool, Field(description="Whether the folds are those of the parts of a group or a balance.")]
    folds: FoldsAnswer
    levels: list[LevelAnswer]
    coverage: list[CoverageRowAnswer]
