"""Errors and the state of the service."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from api.rest.schemas.common import answer


class Problem(BaseModel):
    """An error (RFC 9457). Further members hold its data."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str


PROBLEM: dict[int | str, dict[str, Any]] = {"default": {"model": Problem, "description": "Any error, as problem+json."}}
"""The documented answer of every endpoint to a request that it refuses."""


@answer
class LiveAnswer(TypedDict):
    """The process answers."""

    live: bool


@answer
class ReadyAnswer(TypedDict):
    """Readiness of the service."""

    ready: bool
    missing: list[str]
