"""Answers in the layout of the hubverse."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Page, answer
from api.rest.schemas.runs import RunAnswer


@answer
class ModelOutputAnswer(TypedDict):
    """A row of model output."""

    reference_date: Annotated[date, Field(description="The day of the run.")]
    target: Annotated[str, Field(description="Flow and sector; with `pc1` behind them growth on a year ago.")]
    horizon: Annotated[int, Field(description="Months from the month of the reference date.")]
    location: Annotated[str, Field(description="The partner.")]
    target_end_date: date
    output_type: str
    output_type_id: Annotated[str | None, Field(description="A probability, or the number of a sample.")]
    value: float


@answer
class ModelOutputPage(Page):
    """Model output; a page counts series."""

    dataset: str
    model: str
    run: RunAnswer
    model_output: list[ModelOutputAnswer]


@answer
class TasksAnswer(TypedDict):
    """The tasks.json of a hub, version 5 of the schema."""

    schema_version: str
    rounds: list[dict[str, Any]]
    output_type_id_datatype: str
