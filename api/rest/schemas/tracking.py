"""Answers about tracking: published forecasts and their outcomes."""

from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.observations import Joined


@answer
class RollingAnswer(TypedDict):
    """The last forecasts of a series at a step, in the dataset's unit, beside the backtest."""

    n: Annotated[int, Field(description="Number of forecasts.")]
    mae: float
    backtest_mae: float
    coverage: Annotated[float, Field(description="Share of first prints inside the 80 % interval.")]
    backtest_coverage: float | None
    drifts: Annotated[bool, Field(description="Whether `mae` exceeds twice the backtest's, of at least 4 forecasts.")]


@answer
class TrackedAnswer(TypedDict):
    """A published forecast and its outcome; an error is the outcome less the forecast, in the dataset's unit."""

    unique_id: str
    run: int
    as_of: date
    cutoff: Month
    month: Month
    months: Joined
    step: int
    unit: str
    mean: float
    median: float
    first_print: Annotated[float | None, Field(description="Null where the first print was not stored.")]
    first_vintage: date
    latest: float
    latest_vintage: date
    backfilled: Annotated[
        bool, Field(description="The first print is a revised value in place of one that was not kept.")
    ]
    first_error: Annotated[float | None, Field(description="First print less mean.")]
    latest_error: float
    first_level: Annotated[float | None, Field(description="Narrowest level that covers it; null if outside all.")]
    latest_level: float | None
    first_wis: float
    latest_wis: float
    backtest_mae: Annotated[float | None, Field(description="Mean absolute error of the step in the run's backtest.")]
    backtest_coverage: Annotated[
        float | None, Field(description="Coverage of the 80 % interval at the step in the run's backtest.")
    ]
    live: Annotated[bool, Field(description="Whether the run was published before the outcome.")]
    rolling: Annotated[
        RollingAnswer | None, Field(description="Null where another forecast counts for this target and step.")
    ]


@answer
class TrackingPage(Page):
    """Tracked forecasts by series, month, step and run."""

    dataset: str
    unit: str
    tracking: list[TrackedAnswer]


@answer
class TrackedSeriesAnswer(TypedDict):
    """Recent accuracy of a series: of each month the last forecast published before its outcome."""

    unique_id: str
    month: Month
    unit: str
    n: int
    mae: float
    backtest_mae: float
    coverage: float
    backtest_coverage: float | None
    drifts: bool


@answer
class TrackedSeriesPage(Page):
    """Recent accuracy by series."""

    dataset: str
    unit: str
    series_drifting: Annotated[int, Field(description="Number of selected series that drift.")]
    series: list[TrackedSeriesAnswer]
