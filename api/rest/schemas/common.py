"""Shapes shared by several answers.

Answers are TypedDicts: FastAPI documents them, serializers build them, and tests validate every answer against them.
Months are written YYYY-MM, days YYYY-MM-DD, moments as ISO 8601 with a zone.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$", examples=["2026-08"])]
Period = Annotated[str, Field(examples=["2026-Q1"])]

answer = with_config(ConfigDict(extra="forbid"))
"""Decorator of an answer: no key is served that is not documented."""


def columns(shape: type[Any], *, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The keys of an answer in order, which are the columns of its CSV."""
    return tuple(name for name in shape.__annotations__ if name not in without)


@answer
class Page(TypedDict):
    """The position of a page in its list."""

    total: Annotated[int, Field(description="Number of rows in all.")]
    limit: int
    offset: int
    next: Annotated[str | None, Field(description="Path and query of the next page; null on the last.")]


@answer
class IntervalAnswer(TypedDict):
    """A central prediction interval."""

    level: Annotated[float, Field(description="In per cent.")]
    lo: float | None
    hi: float | None


@answer
class FoldsAnswer(TypedDict):
    """The folds behind scores."""

    number: int
    first_cutoff: str | None
    last_cutoff: str | None
