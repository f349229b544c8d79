"""Query model of model output in the layout of the hubverse."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from services.parameters import SeriesSelection, split_commas, unique

Target = Literal["month", "growth"]


class HubverseQuery(SeriesSelection):
    """Model output of a run; a page counts series."""

    limit: int = Field(default=100, ge=1, le=1000, description="Greatest number of series.")
    target: Annotated[list[Target], BeforeValidator(split_commas), AfterValidator(unique), Field(min_length=1)] = Field(
        default=["growth", "month"], description="`month` levels in the dataset's unit, `growth` on a year ago in %."
    )
    samples: int = Field(default=0, ge=0, le=1000, description="Number of joint samples, besides quantiles.")
