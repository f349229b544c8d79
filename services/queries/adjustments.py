"""Query models of adjustments."""

from typing import Self

from pydantic import Field, model_validator

from services.parameters import Day, Paged
from services.queries.scenarios import Condition


class NewAdjustment(Condition):
    """A change to the forecast of one period: a number, a growth rate, a bound, or the mean."""

    author: str = Field(min_length=1, max_length=120)
    reason: str = Field(min_length=1, max_length=2000)
    expires: Day | None = Field(
        default=None, description="The last day whose runs it applies to; by default it applies until it is observed."
    )

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if self.values is not None:
            raise ValueError("an adjustment is about one period: give value in place of values")
        return self


class AdjustmentsQuery(Paged):
    """Adjustments of a dataset."""

    author: str | None = Field(default=None, max_length=120, description="Only those of this author.")
