"""What answers look like, for the documentation; a test holds every answer against these.

Months are written YYYY-MM, days YYYY-MM-DD, moments as ISO 8601 with a zone.
"""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MONTH = Field(pattern=r"^\d{4}-\d{2}$", examples=["2026-08"])


class Answer(BaseModel):
    """Nothing is served that is not named here."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer):
    """Where a page stands in its list."""

    total: int = Field(description="How many there are in all.")
    limit: int
    offset: int
    next: str | None = Field(description="Path and query of the next page; null on the last.")


class DatasetAnswer(Answer):
    """A publisher's table."""

    id: str
    title: str
    reporter: str
    currency: str
    unit: str
    publisher: str
    licence: str
    citation: str
    release_day: int = Field(description="Day of the month on which the month before is due.")
    derives_rest: bool = Field(description="Whether remainder partners and sector totals are derived.")
    derives_total: bool = Field(description="Whether partner WLD is derived, as the sum of the listed partners.")
    allows_negative: bool = Field(description="Whether a value may be negative.")
    series: int = Field(description="How many series are stored.")
    first_month: str | None
    last_month: str | None
    groups: list["GroupAnswer"]


class GroupAnswer(Answer):
    """A partner group and those of its members that the dataset lists, of `size` in all.

    The figures of a published group are the publisher's own and complete; others are sums of the listed members.
    """

    code: str
    name: str
    members: list[str]
    size: int
    published: bool


class DatasetPage(Page):
    """Datasets by code."""

    datasets: list[DatasetAnswer]


class SeriesAnswer(Answer):
    """A stored series."""

    unique_id: str
    dataset: str
    flow: str
    partner: str
    partner_name: str
    sector: str
    sector_name: str
    unit: str


class SeriesPage(Page):
    """Series by flow, partner and sector."""

    series: list[SeriesAnswer]


class PartnerAnswer(Answer):
    """A country by its ISO 3166-1 alpha-3 code, or a group."""

    code: str
    name: str
    is_group: bool


class PartnerPage(Page):
    """Partners by code."""

    partners: list[PartnerAnswer]


class SectorAnswer(Answer):
    """A code of goods."""

    code: str
    name: str
    classification: str


class SectorPage(Page):
    """Sectors by code."""

    sectors: list[SectorAnswer]


class ObservationAnswer(Answer):
    """A value as known on a day."""

    unique_id: str
    month: str = MONTH
    value: float
    unit: str
    months: int = Field(description="2 for January and February published as one figure, which stands at February.")
    status: str = Field(description="A normal, P provisional, I imputed, as in SDMX OBS_STATUS.")
    vintage: date = Field(description="The day the value became known.")
    backfilled: bool = Field(description="A revised value in place of a first print that nobody kept.")


class ObservationPage(Page):
    """Observations by series and month."""

    dataset: str
    unit: str
    as_of: date | None
    revised_data: bool = Field(description="Whether one of these values is backfilled.")
    observations: list[ObservationAnswer]


class ReleaseAnswer(Answer):
    """A month's figures: when they are due, when they came."""

    period: str = MONTH
    status: str = Field(description="due, late (its moment and the grace are over), or done.")
    due_on: date
    due_at: datetime | None = Field(description="The moment, where more than the day is known.")
    published_at: datetime | None = Field(description="When the first of its figures came.")
    missing: int = Field(description="Series that the month before had and this month, published in part, has not.")
    polls: int = Field(description="How often the source was asked for it.")
    polled_at: datetime | None


class ReleasePage(Page):
    """A release calendar by month."""

    dataset: str
    releases: list[ReleaseAnswer]


class PlannedReleases(Answer):
    """What became of the due dates sent."""

    planned: int


class SourceAnswer(Answer):
    """A dataset's source: when it was asked for figures, and what came of it."""

    dataset: str
    source: str
    last_attempt_at: datetime
    outcome: str = Field(description="Of the last attempt: new, unchanged or failed.")
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None = Field(description="Why it failed then.")


class SourcePage(Page):
    """Sources by dataset."""

    sources: list[SourceAnswer]


class RunAnswer(Answer):
    """One immutable set of forecasts, or an attempt at one."""

    id: int
    dataset: str
    status: str
    as_of: date
    cutoff: str | None = Field(description="The last month it has seen.")
    horizon: int = Field(description="Months ahead.")
    seed: int
    config: dict[str, Any]
    config_hash: str
    data_hash: str | None
    code_version: str
    requested_at: datetime
    started_at: datetime | None
    published_at: datetime | None
    finished_at: datetime | None
    stage: str | None
    done: int = Field(description="Of `total`, in this stage.")
    total: int
    failures: list[dict[str, Any]]


class RunPage(Page):
    """Runs, newest first."""

    runs: list[RunAnswer]


class NewRun(BaseModel):
    """A run to be made."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(pattern=r"^[A-Za-z0-9_.+-]{1,40}$", examples=["CN_TRADE"])
    as_of: date | None = Field(default=None, description="What may be known; today if not given.")
    horizon: int | None = Field(default=None, ge=1, le=120, description="Months ahead.")


class IntervalAnswer(Answer):
    """A central prediction interval."""

    level: float = Field(description="In per cent.")
    lo: float | None
    hi: float | None


class FoldsAnswer(Answer):
    """The folds behind scores."""

    number: int
    first_cutoff: str | None
    last_cutoff: str | None


class ScoreAnswer(Answer):
    """A metric averaged over series, beside the baseline's over the same series and folds."""

    unique_id: str | None = Field(description="The series, where scores are by series.")
    forecaster: str
    step: int | None = Field(description="Months ahead; null where all are pooled.")
    metric: str
    level: float | None = Field(description="The interval's level in per cent, for coverage.")
    value: float
    baseline: float | None = Field(description="The same of seasonal naive.")
    unit: str
    n: int = Field(description="Forecasts scored.")
    series: int = Field(description="Series averaged over.")


class PitAnswer(Answer):
    """How many actuals had between `lo` and `hi` per cent of the draws below them."""

    lo: float
    hi: float
    count: int
    share: float


class BacktestPage(Page):
    """Scores of a backtest."""

    dataset: str
    unit: str
    run: RunAnswer
    by: str
    kind: str
    group: str | None = Field(description="Which of the series chosen: total, partner, sector or part; null for all.")
    baseline: str
    pit: list[PitAnswer] | None = Field(description="Over all steps; null where none is stored.")
    folds: FoldsAnswer
    vintage_folds: int = Field(description="Folds on what was known at their cutoff.")
    revised_data: bool = Field(description="Whether some of the folds are on revised data instead.")
    scores: list[ScoreAnswer]


class FoldMonth(Answer):
    """A month of a fold, or the period that ends with it: what was forecast, and what came."""

    month: str = MONTH
    step: int
    mean: float
    actual: float | None
    intervals: list[IntervalAnswer]
    period: str = Field(examples=["2026-Q1"], description="The period that ends with the month.")


class FoldAnswer(Answer):
    """One cutoff of a backtest."""

    cutoff: str = MONTH
    revised_data: bool = Field(description="Whether it is on revised data, for want of what was known at the cutoff.")
    months: list[FoldMonth]


class FoldPage(Page):
    """The folds of one series, newest first."""

    unique_id: str
    dataset: str
    unit: str
    kind: str
    forecaster: str
    run: RunAnswer
    folds: list[FoldAnswer]


class Appended(Answer):
    """What became of the observations sent."""

    dataset: str
    received: int
    inserted: int
    unchanged: int = Field(description="Values that were known already, and are not stored again.")
    derived: int = Field(description="Observations that follow from them: the rest of the world, totals.")


class Problem(BaseModel):
    """An error (RFC 9457). Further members hold its data."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str


class LiveAnswer(Answer):
    """The process answers."""

    live: bool


class ReadyAnswer(Answer):
    """Whether the service can do its work, and what is missing where it cannot."""

    ready: bool
    missing: list[str]
