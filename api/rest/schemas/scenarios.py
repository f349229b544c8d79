"""Answers about scenarios."""

from datetime import date, datetime
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.indicators import IndicatorsUsed
from api.rest.schemas.runs import DataEnd, Overdue, RunAnswer


@answer
class IntervalOfScenario(TypedDict):
    """A prediction interval."""

    level: float
    lo: float | None
    hi: float | None


@answer
class SummaryAnswer(TypedDict):
    """Mean, median, intervals and the probability asked for; None where they are not defined."""

    mean: float | None
    median: float | None
    probability: float | None
    intervals: list[IntervalOfScenario]


@answer
class ScenarioRowAnswer(TypedDict):
    """One series in one period, in the baseline and in the scenario."""

    unique_id: str
    name: str
    units: str
    unit: str
    period: str
    baseline: SummaryAnswer
    scenario: SummaryAnswer
    reason: Annotated[str | None, Field(description="Why neither is defined.")]


@answer
class ScenarioAnswer(TypedDict):
    """A run's forecasts under a scenario, beside the baseline."""

    dataset: str
    name: str
    author: str
    why: Annotated[str, Field(description="The reason that was given.")]
    methods: Annotated[list[str], Field(description="How the paths were changed, in order.")]
    effective_draws: float
    distance: Annotated[float | None, Field(description="Mahalanobis distance of the conditions from the forecast.")]
    probability: Annotated[
        float | None,
        Field(description="Probability, under the forecast, of values as far from it; of bounds alone, of them."),
    ]
    run: RunAnswer
    revised_data: bool
    data_end: DataEnd
    overdue: Overdue
    indicators: NotRequired[IndicatorsUsed]
    results: list[ScenarioRowAnswer]


@answer
class StoredScenarioAnswer(TypedDict):
    """A stored scenario."""

    id: int
    dataset: str
    name: str
    author: str
    why: Annotated[str, Field(description="The reason that was given.")]
    created_at: datetime
    run: Annotated[int, Field(description="The run that it was stated on.")]
    ends: Annotated[Month, Field(description="The last month that it is about; of a shock the first.")]
    over: Annotated[bool, Field(description="Whether this month is observed. New runs are then no longer computed.")]
    statement: dict[str, Any]


@answer
class StoredScenarioPage(Page):
    """A page of stored scenarios, newest first."""

    scenarios: list[StoredScenarioAnswer]


@answer
class StoredForecastsAnswer(TypedDict):
    """The forecasts of a run under a stored scenario."""

    scenario: StoredScenarioAnswer
    run: int
    as_of: date
    cutoff: Month
    computed_at: datetime
    methods: list[str]
    effective_draws: float | None
    distance: float | None
    probability: float | None
    fault: Annotated[str | None, Field(description="Why the run has no forecasts under it.")]
    results: list[ScenarioRowAnswer]


@answer
class RunRowAnswer(ScenarioRowAnswer):
    """One series in one period, under one scenario, in one run."""

    scenario_id: int
    scenario_name: str
    run: int
    as_of: date
    cutoff: Month


@answer
class RunRowPage(Page):
    """A page of forecasts under scenarios, by scenario and run."""

    forecasts: list[RunRowAnswer]


@answer
class ScenarioScoreAnswer(TypedDict):
    """An observed period beside the forecasts of a scenario and its baseline."""

    unique_id: str
    units: str
    unit: str
    period: str
    actual: float
    baseline_median: float
    scenario_median: float
    baseline_error: Annotated[float, Field(description="Absolute error of the median.")]
    scenario_error: float
    level: Annotated[float, Field(description="The widest level; whether its intervals contain the outcome follows.")]
    baseline_inside: bool
    scenario_inside: bool


@answer
class ScenarioScorePage(Page):
    """A page of scores of a scenario, on the run that it was stated on."""

    scores: list[ScenarioScoreAnswer]
