"""Response of substitution."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import answer
from api.rest.schemas.contributions import ContributionRowAnswer, EstimateAnswer
from api.rest.schemas.forecasts import RevisedData
from api.rest.schemas.runs import DataEnd, Overdue, RunAnswer


@answer
class GainAnswer(ContributionRowAnswer):
    """A partner beside the one that lost, and its share in the gains of all of them, in per cent; null for a loss."""

    share_of_gains: float | None


WindowAnswer = TypedDict(
    "WindowAnswer",
    {
        "period": str,
        "from": str,
        "months_observed": int,
        "growth": EstimateAnswer,
        "change": EstimateAnswer,
        "lost": ContributionRowAnswer,
        "gains": Annotated[float, Field(description="Sum of the gains of the others, in the dataset's unit.")],
        "others": Annotated[list[GainAnswer], Field(description="The largest gain first.")],
    },
)
answer(WindowAnswer)
WindowAnswer.__doc__ = "The change of the whole, of the partner that lost and of the others, in one window."


@answer
class SubstitutionAnswer(TypedDict):
    """By how much one partner fell, and the sources of the growth of the others: observed, then expected."""

    dataset: str
    flow: str
    sector: str | None
    unit: str
    windows: list[WindowAnswer]
    run: RunAnswer
    revised_data: RevisedData
    data_end: DataEnd
    overdue: Overdue
