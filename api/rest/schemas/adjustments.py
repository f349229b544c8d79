"""Answers about adjustments."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer


@answer
class AdjustmentAnswer(TypedDict):
    """A person's change to the forecast of one period."""

    id: int
    dataset: str
    run: Annotated[int, Field(description="The run that was adjusted, the latest one of that day.")]
    author: str
    why: Annotated[str, Field(description="The reason that was given.")]
    created_at: datetime
    expires: Annotated[date | None, Field(description="The last day whose runs it applies to.")]
    withdrawn_at: datetime | None
    ends: Annotated[Month, Field(description="The last month of its period.")]
    statement: dict[str, Any]


@answer
class AdjustmentPage(Page):
    """A page of adjustments that apply to a run."""

    adjustments: list[AdjustmentAnswer]


@answer
class TrackedAdjustmentAnswer(AdjustmentAnswer):
    """An adjustment beside the statistical forecast and the outcome; null until its period is observed."""

    units: str
    unit: str
    statistical_median: float
    judgement_median: float
    actual: float | None
    statistical_error: Annotated[float | None, Field(description="Absolute error of the median.")]
    judgement_error: float | None
    statistical_wis: float | None
    judgement_wis: float | None


@answer
class TrackedAdjustmentPage(Page):
    """A page of adjustments, oldest first."""

    dataset: str
    adjustments: list[TrackedAdjustmentAnswer]


@answer
class AuthorAnswer(TypedDict):
    """Forecast value added by an author in one unit, over the adjustments whose outcome is known."""

    author: str
    units: str
    unit: str
    n: int
    statistical_mae: float
    judgement_mae: float
    value_added: Annotated[
        float | None, Field(description="Reduction of the mean absolute error in per cent of the statistical one.")
    ]
    share_better: Annotated[float, Field(description="Share of adjustments that reduced the error.")]
    statistical_wis: float
    judgement_wis: float


@answer
class AuthorPage(Page):
    """A page of authors."""

    dataset: str
    authors: list[AuthorAnswer]
