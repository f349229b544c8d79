"""Query models of notifications."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.parameters import Code, Paged

Type = Literal["run.published", "figures.arrived", "forecast.surprised", "release.late", "rule.met"]


class FeedQuery(BaseModel):
    """Notifications of the Atom feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Code | None = Field(default=None, description="A dataset's code; the default is all.")
    type: Type | None = Field(default=None, description="Only of this type.")


class NotificationQuery(Paged, FeedQuery):
    """Notifications, newest first."""
