"""What forecasts and answers to questions about them look like; a test holds every answer against these."""

from typing import Literal

from pydantic import Field

from api.rest.schemas.common import MONTH, Answer, FoldsAnswer, IntervalAnswer, Page, RunAnswer


class QuantileAnswer(Answer):
    """A quantile."""

    probability: float
    value: float | None


class MonthAnswer(Answer):
    """A month of a forecast, or the period that ends with it; null where there is no answer."""

    month: str = MONTH
    step: int
    mean: float | None
    median: float | None
    intervals: list[IntervalAnswer]
    quantiles: list[QuantileAnswer] | None = Field(default=None, description="Where `quantile` was asked.")
    period: str | None = Field(default=None, examples=["2026-Q1"], description="Where sums or units were asked.")
    months: int | None = Field(default=None, description="How many months the period has.")
    observed_months: int | None = Field(default=None, description="How many of them are observed.")
    reason: str | None = Field(default=None, description="Why there is no answer.")


class PartAnswer(Answer):
    """A stored series that a derived one is made of, and the sign with which it counts."""

    unique_id: str
    sign: int


class PlacedSeries(Answer):
    """What a series is. `parts` says what a group or a balance is made of; null for a stored series."""

    unique_id: str
    dataset: str
    flow: str
    partner: str
    partner_name: str
    sector: str
    sector_name: str
    unit: str
    parts: list[PartAnswer] | None


class ForecastSeries(PlacedSeries):
    """A series' forecast."""

    months: list[MonthAnswer]


class LevelAnswer(Answer):
    """A level asked for, and the stored levels that tell of it: itself, or those next to it."""

    level: float
    stored: list[float]


class CoverageAnswer(Answer):
    """How often intervals of a level held what came."""

    level: float
    step: int | None = Field(description="Months ahead; null where all are pooled.")
    coverage: float
    n: int = Field(description="Forecasts scored.")
    standard_error: float = Field(description="Were every forecast independent.")
    standard_error_by_period: float = Field(
        description="Were what all series and cutoffs say of one period a single case; about as many cases as periods."
    )


class CoverageOfAnswer(Answer):
    """How answers like this one did on the folds of the backtest."""

    kind: str | None = Field(description="What was scored; null where nothing of this kind is.")
    reason: str | None = Field(description="Why there is no coverage.")
    forecaster: str
    series: int = Field(description="Stored series pooled.")
    of_parts: bool = Field(description="Whether a group or a balance is told by its parts.")
    folds: FoldsAnswer
    levels: list[LevelAnswer]
    coverage: list[CoverageAnswer]


class ForecastPage(Page):
    """Forecasts by flow, partner and sector; a page counts series."""

    dataset: str
    unit: str
    frequency: str | None = Field(default=None, description="Where it is not the level of a month that was asked.")
    units: str | None = Field(default=None, description="As `frequency`.")
    of: str | None = Field(default=None, description="The total that a share or a contribution is of.")
    run: RunAnswer
    revised_data: bool = Field(description="Whether the run saw backfilled observations, which are revised data.")
    coverage: CoverageOfAnswer | None = Field(default=None, description="Where it was asked for.")
    series: list[ForecastSeries]


class ProbabilityAnswer(MonthAnswer):
    """How likely an event is, and what is forecast of the period; null where there is no answer."""

    unique_id: str
    dataset: str
    flow: str
    partner: str
    partner_name: str
    sector: str
    sector_name: str
    unit: str = Field(description="Of the thresholds and of the forecast.")
    units: str
    of: str | None
    parts: list[PartAnswer] | None
    above: float | None
    below: float | None
    probability: float | None = Field(description="The share of the draws above `above` and not above `below`.")
    standard_error: float | None = Field(description="Of the probability, from the number of draws.")
    draws: int | None
    run: RunAnswer
    revised_data: bool
    coverage: CoverageOfAnswer | None = None


class ConcentrationAnswer(Answer):
    """The Herfindahl-Hirschman index period by period, 0 to 10,000."""

    dataset: str
    over: Literal["partner", "sector"]
    flow: str
    partner: str | None
    sector: str | None
    unit: str
    frequency: str
    run: RunAnswer
    revised_data: bool
    parts: list[str] = Field(description="The series whose shares are squared.")
    whole: str | None = Field(description="The series they are shares of; null where that is their own sum.")
    months: list[MonthAnswer]
    coverage: CoverageOfAnswer | None = None


class ComponentMonth(Answer):
    """A month of a series taken apart; `ahead` says that the run had not seen it."""

    month: str = MONTH
    ahead: bool
    trend: float
    season: float | None
    calendar: float | None
    rest: float | None = Field(description="What is left of the value; null for a month ahead.")


class ComponentSeries(PlacedSeries):
    """A series' components; `months` is empty where it was not taken apart."""

    months: list[ComponentMonth]


class ComponentPage(Page):
    """Components by flow, partner and sector; a page counts series."""

    dataset: str
    unit: str = Field(description="That of the trend.")
    share_unit: str = Field(description="That of season, calendar and rest.")
    run: RunAnswer
    series: list[ComponentSeries]


class MissAnswer(Answer):
    """A period that ended outside its interval, `widths` of it away."""

    unique_id: str
    period: str = Field(examples=["2026-Q1"])
    month: str = MONTH
    cutoff: str = MONTH
    step: int
    unit: str
    mean: float
    lo: float
    hi: float
    actual: float
    widths: float


class MissPage(Page):
    """Misses, the worst first."""

    dataset: str
    unit: str
    kind: str
    level: float
    run: RunAnswer
    misses: list[MissAnswer]


class LineAnswer(Answer):
    """What a forecaster said of a period after a cutoff: the mean."""

    forecaster: str
    cutoff: str = MONTH
    period: str = Field(examples=["2026-Q1"])
    month: str = MONTH
    value: float


class LinePage(PlacedSeries, Page):
    """What else was said of a series; a page counts rows."""

    frequency: str
    units: str
    of: str
    run: RunAnswer
    lines: list[LineAnswer]
