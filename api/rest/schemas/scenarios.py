"""Answer about a scenario."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import answer
from api.rest.schemas.runs import DataEnd, Overdue, RunAnswer


@answer
class IntervalOfScenario(TypedDict):
    """A prediction interval."""

    level: float
    lo: float | None
    hi: float | None


@answer
class SummaryAnswer(TypedDict):
    """Mean, median and intervals of draws; None where they are not defined."""

    mean: float | None
    median: float | None
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
        float | None, Field(description="Probability, under the forecast, of values at least as far from it.")
    ]
    run: RunAnswer
    revised_data: bool
    data_end: DataEnd
    overdue: Overdue
    results: list[ScenarioRowAnswer]
