"""Answers about external forecasts."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.observations import Joined


@answer
class ExternalForecastAnswer(TypedDict):
    """An external forecast beside Tradewind's of the same target, in `unit`.

    Scores are null until the outcome is known, and where no run had the same or less knowledge.
    """

    unique_id: str
    model_id: str
    reference_date: date
    month: Month
    months: Joined
    units: Annotated[Literal["lin", "pc1"], Field(description="lin a value, pc1 its growth on a year ago.")]
    unit: str
    run: Annotated[int | None, Field(description="Tradewind's last run no later than the reference date.")]
    backtest: Annotated[
        bool | None, Field(description="Whether Tradewind's forecast is of this run's backtest: no run is as old.")
    ]
    step: int | None
    point: Annotated[float | None, Field(description="Their median, or their mean where they give no median.")]
    tradewind_point: Annotated[float | None, Field(description="Tradewind's median.")]
    first_print: Annotated[float | None, Field(description="Null where it is not known; never a revised value.")]
    latest: float | None
    quantiles: Annotated[
        int | None, Field(description="Number of their quantiles; without any, WIS is the absolute error.")
    ]
    first_error: Annotated[float | None, Field(description="Absolute error of their point on the first print.")]
    tradewind_first_error: float | None
    latest_error: float | None
    tradewind_latest_error: float | None
    first_wis: float | None
    tradewind_first_wis: Annotated[float | None, Field(description="Tradewind's over the same probabilities.")]
    latest_wis: float | None
    tradewind_latest_wis: float | None


@answer
class ExternalForecastPage(Page):
    """External forecasts by series, month, model and reference date."""

    dataset: str
    unit: str
    external_forecasts: list[ExternalForecastAnswer]


@answer
class ExternalModelAnswer(TypedDict):
    """Mean scores of an external model on first prints beside Tradewind's on the same targets."""

    model_id: str
    n: Annotated[int, Field(description="Number of targets with an outcome.")]
    points: Annotated[int, Field(description="Number of them with a point forecast; the basis of both MAE.")]
    measure: Annotated[str, Field(description="level values, pc1 their growth on a year ago, balance balances.")]
    unit: str
    mae: float | None
    tradewind_mae: float | None
    wis: float
    tradewind_wis: float | None
    share_better: Annotated[
        float | None, Field(description="Share of the targets on which their WIS was below Tradewind's.")
    ]


@answer
class ExternalModelPage(Page):
    """External models by name."""

    dataset: str
    unit: str
    models: list[ExternalModelAnswer]


@answer
class ExternalAppendedAnswer(TypedDict):
    """Result of an upload of external forecasts."""

    dataset: str
    received: int
    inserted: int
    unchanged: Annotated[int, Field(description="Statements that were stored already.")]
