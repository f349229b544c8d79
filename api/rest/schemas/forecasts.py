"""Answers about forecasts: values, probability, decomposition and history."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.adjustments import AdjustmentAnswer
from api.rest.schemas.backtests import CoverageAnswer
from api.rest.schemas.catalog import ResolvedSeriesAnswer
from api.rest.schemas.common import IntervalAnswer, Month, Page, Period, answer
from api.rest.schemas.indicators import IndicatorsUsed
from api.rest.schemas.runs import DataEnd, Overdue, RunAnswer

OptionalCoverage = Annotated[CoverageAnswer, Field(description="With `coverage=true`.")]
RevisedData = Annotated[
    bool, Field(description="Whether the run used backfilled observations, which are revised data.")
]


@answer
class QuantileAnswer(TypedDict):
    """A quantile."""

    probability: float
    value: float | None


@answer
class MonthAnswer(TypedDict):
    """A month of a forecast, or the period that ends with it; null where there is no answer."""

    month: Month
    step: int
    mean: float | None
    median: float | None
    intervals: list[IntervalAnswer]
    quantiles: NotRequired[Annotated[list[QuantileAnswer], Field(description="With `quantile`.")]]
    period: NotRequired[Annotated[Period, Field(description="With a frequency, units or a period.")]]
    months: NotRequired[Annotated[int, Field(description="Number of months in the period.")]]
    observed_months: NotRequired[Annotated[int, Field(description="Number of them that are observed.")]]
    reason: NotRequired[Annotated[str | None, Field(description="Why there is no answer.")]]


@answer
class HistoryAnswer(TypedDict):
    """An observed period in the units of the forecasts; null where there is no value."""

    month: Month
    value: float | None
    period: Period
    months: Annotated[int, Field(description="Number of months in the period.")]
    reason: Annotated[str | None, Field(description="Why there is no value.")]


@answer
class ForecastSeries(ResolvedSeriesAnswer):
    """The forecast of a series."""

    status: Annotated[
        str | None,
        Field(description="`ended since YYYY-MM`, or that the last value is unusual; null for others and for sums."),
    ]
    history: NotRequired[Annotated[list[HistoryAnswer], Field(description="With `include=history`.")]]
    months: list[MonthAnswer]


@answer
class ForecastPage(Page):
    """Forecasts by flow, partner and sector; a page counts series."""

    dataset: str
    unit: str
    frequency: NotRequired[Annotated[str | None, Field(description="Unless monthly levels are asked for.")]]
    units: NotRequired[Annotated[str, Field(description="As `frequency`.")]]
    of: NotRequired[Annotated[str | None, Field(description="The total of a share or a contribution.")]]
    run: RunAnswer
    revised_data: RevisedData
    data_end: DataEnd
    overdue: Overdue
    indicators: NotRequired[IndicatorsUsed]
    coverage: NotRequired[OptionalCoverage]
    view: NotRequired[Annotated[str, Field(description="With `view=judgement`.")]]
    adjustments: NotRequired[Annotated[list[AdjustmentAnswer], Field(description="As `view`: those applied.")]]
    series: list[ForecastSeries]


@answer
class ProbabilityAnswer(ResolvedSeriesAnswer):
    """The probability of an event and the forecast of the period; null where there is no answer."""

    month: Month
    step: int
    mean: float | None
    median: float | None
    intervals: list[IntervalAnswer]
    quantiles: NotRequired[list[QuantileAnswer]]
    period: Period
    months: int
    observed_months: int
    reason: Annotated[str | None, Field(description="Why there is no answer.")]
    units: str
    of: str | None
    above: float | None
    below: float | None
    probability: Annotated[float | None, Field(description="Share of draws above `above` and not above `below`.")]
    standard_error: Annotated[float | None, Field(description="Monte Carlo error of the probability.")]
    draws: int | None
    run: RunAnswer
    revised_data: RevisedData
    data_end: DataEnd
    overdue: Overdue
    indicators: NotRequired[IndicatorsUsed]
    coverage: NotRequired[OptionalCoverage]


@answer
class ComponentMonth(TypedDict):
    """A month of a decomposed series; `forecast` marks a month after the run's cutoff."""

    month: Month
    forecast: bool
    trend: float
    seasonal: float | None
    calendar: float | None
    residual: Annotated[float | None, Field(description="The residual; null for a month ahead.")]


@answer
class ComponentSeries(ResolvedSeriesAnswer):
    """The components of a series; `months` is empty where there is no decomposition."""

    months: list[ComponentMonth]


@answer
class ComponentPage(Page):
    """Components by flow, partner and sector; a page counts series."""

    dataset: str
    unit: Annotated[str, Field(description="Of the trend.")]
    share_unit: Annotated[str, Field(description="Of seasonal, calendar and residual.")]
    run: RunAnswer
    series: list[ComponentSeries]


@answer
class HistoricForecastAnswer(TypedDict):
    """The mean forecast of a period by a forecaster from a cutoff."""

    forecaster: str
    cutoff: Month
    period: Period
    month: Month
    value: float


@answer
class ForecastHistoryPage(ResolvedSeriesAnswer):
    """Other forecasts of a series; a page counts rows."""

    total: int
    limit: int
    offset: int
    next: str | None
    frequency: str
    units: str
    of: str
    run: RunAnswer
    forecasts: list[HistoricForecastAnswer]
