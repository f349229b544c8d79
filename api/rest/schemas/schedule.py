"""Responses about the schedule."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import answer


@answer
class ScheduledTaskAnswer(TypedDict):
    """A task of the scheduler for a dataset or an indicator."""

    dataset: Annotated[str | None, Field(description="Null for a task of an indicator.")]
    indicator: Annotated[str | None, Field(description="Null for a task of a dataset.")]
    task: Annotated[str, Field(description="fetch or run.")]
    next_at: Annotated[
        datetime | None, Field(description="Null for a task that waits for an event; a past time means the next tick.")
    ]
    reason: str
    last_at: datetime | None
    last_outcome: Annotated[
        str | None, Field(description="Of a fetch: new, unchanged, failed. Of a run: published, unchanged, failed.")
    ]
    last_reason: Annotated[str | None, Field(description="Reason of a failure.")]


@answer
class ScheduleAnswer(TypedDict):
    """The tasks of every dataset, by dataset, then those of every indicator."""

    now: datetime
    tasks: list[ScheduledTaskAnswer]
