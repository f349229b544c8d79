"""Response of contributions to growth."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import IntervalAnswer, answer
from api.rest.schemas.indicators import IndicatorsUsed
from api.rest.schemas.runs import DataEnd, Overdue, RunAnswer


@answer
class EstimateAnswer(TypedDict):
    """A mean with its intervals; None where it is not defined."""

    mean: float | None
    unit: str
    intervals: list[IntervalAnswer]


@answer
class ContributionRowAnswer(TypedDict):
    """A part of the whole in two periods."""

    code: str
    name: str
    within: Annotated[str | None, Field(description="The group that a member is reported under.")]
    level: Annotated[float, Field(description="Expected value of the period, in the dataset's unit.")]
    base: Annotated[float, Field(description="Value of the period compared with, in the dataset's unit.")]
    change: EstimateAnswer
    share: Annotated[float | None, Field(description="Share of the whole, in per cent.")]
    base_share: float | None
    at_whole_rate: Annotated[
        float | None, Field(description="Change at the growth rate of the whole, in the dataset's unit.")
    ]
    mix: Annotated[
        float | None, Field(description="Change that the growth of its group beyond the whole adds, in the unit.")
    ]
    own: Annotated[float | None, Field(description="The rest of the change: the part's own, in the dataset's unit.")]
    growth: EstimateAnswer
    contribution: Annotated[EstimateAnswer, Field(description="In percentage points of the growth of the whole.")]


ContributionAnswer = TypedDict(
    "ContributionAnswer",
    {
        "dataset": str,
        "by": str,
        "flow": str,
        "partner": str | None,
        "sector": str | None,
        "unit": str,
        "period": str,
        "from": str,
        "months_observed": int,
        "whole": str | None,
        "adds_up": bool,
        "level": float | None,
        "base": float | None,
        "growth": EstimateAnswer,
        "change": EstimateAnswer,
        "contributions": list[ContributionRowAnswer],
        "run": RunAnswer,
        "revised_data": bool,
        "data_end": DataEnd,
        "overdue": Overdue,
        "indicators": NotRequired[IndicatorsUsed],
    },
)
answer(ContributionAnswer)
ContributionAnswer.__doc__ = (
    "Contributions of parts to the growth of their whole. Where `adds_up`, those within no group sum to it."
)
