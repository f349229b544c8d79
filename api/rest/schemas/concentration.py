"""Answers about concentration: the index, the shares of the largest parts, observed and expected."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import IntervalAnswer, answer
from api.rest.schemas.forecasts import MonthAnswer, OptionalCoverage, RevisedData
from api.rest.schemas.indicators import IndicatorsUsed
from api.rest.schemas.runs import DataEnd, Overdue, RunAnswer


@answer
class TopShareAnswer(TypedDict):
    """The joint share of the `number` largest parts, in per cent of the whole."""

    number: int
    share: float | None
    intervals: list[IntervalAnswer]


@answer
class LargestPartAnswer(TypedDict):
    """One of the largest parts: its share in per cent of the whole, and the square of it, in HHI points."""

    code: str
    name: str
    share: float | None
    points: float
    intervals: list[IntervalAnswer]


@answer
class ConcentrationMonth(MonthAnswer):
    """Concentration in a period ahead: the index as `mean` and `intervals`, the largest parts, the share counted."""

    top: list[TopShareAnswer]
    largest: list[LargestPartAnswer]
    counted_share: Annotated[float | None, Field(description="Joint share of all parts, in per cent of the whole.")]


@answer
class ObservedConcentration(TypedDict):
    """Concentration in an observed period."""

    period: str
    index: float | None
    top: list[TopShareAnswer]
    largest: list[LargestPartAnswer]
    counted_share: float | None


@answer
class ConcentrationAnswer(TypedDict):
    """The Herfindahl-Hirschman index by period, 0 to 10,000: of expected shares, and of observed ones."""

    dataset: str
    over: Literal["partner", "sector"]
    flow: str
    partner: str | None
    sector: str | None
    unit: str
    frequency: str
    run: RunAnswer
    revised_data: RevisedData
    data_end: DataEnd
    overdue: Overdue
    indicators: NotRequired[IndicatorsUsed]
    parts: Annotated[list[str], Field(description="The series whose shares are squared.")]
    whole: Annotated[str | None, Field(description="The series of the denominator; null for the sum of the parts.")]
    history: Annotated[list[ObservedConcentration], Field(description="Observed periods, oldest first.")]
    months: list[ConcentrationMonth]
    coverage: NotRequired[OptionalCoverage]
