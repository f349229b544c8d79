"""Answers about notifications."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Page, answer


@answer
class NotificationAnswer(TypedDict):
    """Something that happened to a dataset, and the state of its delivery to the webhook."""

    id: int
    type: Annotated[
        str, Field(description="run.published, figures.arrived, forecast.surprised, release.late or rule.met.")
    ]
    dataset: str
    occurred_at: datetime
    text: Annotated[str, Field(description="One sentence.")]
    data: Annotated[dict[str, Any], Field(description="By type; see the manual.")]
    delivery: Annotated[str, Field(description="waiting, retrying, delivered or abandoned.")]
    delivered_at: datetime | None
    attempts: Annotated[int, Field(description="Failed deliveries.")]
    next_attempt_at: datetime | None
    failure: Annotated[str | None, Field(description="Why the last delivery failed.")]


@answer
class NotificationPage(Page):
    """Notifications, newest first."""

    notifications: list[NotificationAnswer]
