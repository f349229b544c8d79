"""Answers about the release calendar."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer


@answer
class ReleaseAnswer(TypedDict):
    """The release of a month: due date and publication."""

    period: Month
    status: Annotated[str, Field(description="due, late (past its due moment and the grace period), or done.")]
    due_on: date
    due_at: Annotated[datetime | None, Field(description="The due moment, where a time is known.")]
    published_at: Annotated[datetime | None, Field(description="When the first of its observations was stored.")]
    missing: Annotated[
        int, Field(description="Series of the month before that a partly published month does not have yet.")
    ]
    polls: Annotated[int, Field(description="Number of requests to the source.")]
    polled_at: datetime | None


@answer
class ReleasePage(Page):
    """A release calendar by month."""

    dataset: str
    releases: list[ReleaseAnswer]


@answer
class PlannedReleases(TypedDict):
    """Result of an upload of due dates."""

    planned: int
