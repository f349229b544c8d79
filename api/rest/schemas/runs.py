"""Answers about runs and the changes between them."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from services.parameters import CODE

DataEnd = Annotated[str, Field(description="The last observed month.", examples=["2026-07"])]
Overdue = Annotated[
    list[str] | None,
    Field(description="Months whose release is overdue, oldest first; null unless the latest run answers."),
]


@answer
class RunAnswer(TypedDict):
    """An immutable set of forecasts, or an attempt at one."""

    id: int
    dataset: str
    status: str
    as_of: date
    cutoff: Annotated[str | None, Field(description="The last observed month.")]
    horizon: Annotated[int, Field(description="Months ahead.")]
    seed: int
    config: dict[str, Any]
    config_hash: str
    data_hash: str | None
    code_version: str
    requested_at: datetime
    started_at: datetime | None
    published_at: datetime | None
    finished_at: datetime | None
    preliminary: Annotated[bool, Field(description="Whether it has few folds; a full run follows and replaces it.")]
    thinned_at: Annotated[datetime | None, Field(description="When paths and backtest were deleted; forecasts stay.")]
    stage: str | None
    done: Annotated[int, Field(description="Progress of the stage, out of `total`.")]
    total: int
    failures: list[dict[str, Any]]


@answer
class FreshnessAnswer(TypedDict):
    """The freshness of the data of an answer."""

    data_end: DataEnd
    overdue: Overdue


@answer
class RunPage(Page):
    """Runs, newest first."""

    runs: list[RunAnswer]


class NewRun(BaseModel):
    """A request for a run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dataset: str = Field(pattern=CODE, examples=["CN_TRADE"])
    as_of: date | None = Field(default=None, description="Use only values known on this day; the default is today.")
    horizon: int | None = Field(default=None, ge=1, le=120, description="Months ahead.")


@answer
class ChangeAnswer(TypedDict):
    """The change of a month's mean and its causes, in the dataset's unit; the last five add up to `change`."""

    unique_id: str
    month: Month
    step: Annotated[int, Field(description="Months ahead of the later run.")]
    unit: str
    before: float
    after: float
    change: float
    new_observations: Annotated[float, Field(description="Due to months that the earlier run had not observed.")]
    revised_observations: Annotated[float, Field(description="Due to revised values of months that it had observed.")]
    indicators: Annotated[float, Field(description="Due to months of indicators that became known or were replaced.")]
    published_total: Annotated[
        float, Field(description="Due to a total of the month that is published before its detail.")
    ]
    reestimation: Annotated[
        float, Field(description="Due to everything else: re-estimated weights, draws, configuration, code.")
    ]


@answer
class ChangePage(Page):
    """Changes by series and month."""

    dataset: str
    unit: str
    run: int
    against: int
    changes: list[ChangeAnswer]
