"""What answers about the record look like: what was forecast, and what came."""

from datetime import date

from pydantic import Field

from api.rest.schemas.common import MONTH, Answer, Page


class RollingAnswer(Answer):
    """The last forecasts of a series at one step, in the dataset's unit, beside what the backtests promised."""

    n: int = Field(description="How many.")
    mae: float
    backtest_mae: float
    coverage: float = Field(description="Share of first prints inside the interval of level 80.")
    backtest_coverage: float | None
    drifts: bool = Field(description="Whether `mae` is above twice what was promised, of four forecasts at least.")


class TrackedAnswer(Answer):
    """A published forecast and what came; errors are what came less what was forecast, in the dataset's unit."""

    unique_id: str
    run: int
    as_of: date
    cutoff: str = MONTH
    month: str = MONTH
    months: int = Field(description="2 for January and February published as one figure, which stands at February.")
    step: int
    unit: str
    mean: float
    median: float
    first_print: float | None = Field(description="Null where the first print was not stored.")
    first_vintage: date
    latest: float
    latest_vintage: date
    backfilled: bool = Field(description="The first print is a revised value in place of one that nobody kept.")
    first_error: float | None = Field(description="First print less mean.")
    latest_error: float
    first_level: float | None = Field(description="Narrowest level whose interval holds it; null if outside all.")
    latest_level: float | None
    first_wis: float
    latest_wis: float
    backtest_mae: float | None = Field(description="Mean absolute error at this step in the run's backtest.")
    backtest_coverage: float | None = Field(description="Coverage of level 80 at this step in the run's backtest.")
    live: bool = Field(description="Whether the run was published before the figure came.")
    rolling: RollingAnswer | None = Field(description="Null where another forecast stands for this target and step.")


class TrackingPage(Page):
    """Tracked forecasts by series, month, step and run."""

    dataset: str
    unit: str
    tracking: list[TrackedAnswer]


class SeriesRecordAnswer(Answer):
    """How the forecasts of a series that stood when its figures came have done of late."""

    unique_id: str
    month: str = MONTH
    unit: str
    n: int
    mae: float
    backtest_mae: float
    coverage: float
    backtest_coverage: float | None
    drifts: bool


class SeriesRecordPage(Page):
    """Records by series."""

    dataset: str
    unit: str
    series_drifting: int = Field(description="How many of the series asked for drift.")
    series: list[SeriesRecordAnswer]


class ChangeAnswer(Answer):
    """How the mean of a month moved, and what moved it, in the dataset's unit; the last three add up to `change`."""

    unique_id: str
    month: str = MONTH
    step: int = Field(description="Months ahead of the later run.")
    unit: str
    before: float
    after: float
    change: float
    new_figures: float = Field(description="By months that the earlier run had not seen.")
    revised_figures: float = Field(description="By other values of months that it had seen.")
    reestimation: float = Field(description="By everything else: weights learnt again, draws, configuration, code.")


class ChangePage(Page):
    """Changes by series and month."""

    dataset: str
    unit: str
    run: int
    against: int
    changes: list[ChangeAnswer]


class OutsideAnswer(Answer):
    """A forecast made by somebody else, beside ours of the same target, in the dataset's unit.

    Figures are null until the target came, or where no run of ours knew as much and no more.
    """

    unique_id: str
    model_id: str
    reference_date: date
    month: str = MONTH
    months: int = Field(description="2 for January and February in one, at February.")
    unit: str
    run: int | None = Field(description="Our run with the latest knowledge, none later than the reference date.")
    step: int | None
    point: float | None = Field(description="Their median, or where they name none, their mean.")
    our_point: float | None = Field(description="Our median.")
    first_print: float | None
    latest: float | None
    quantiles: int | None = Field(description="How many quantiles they name; with none, WIS is the absolute error.")
    first_error: float | None = Field(description="Absolute error of their point on the first print.")
    our_first_error: float | None
    latest_error: float | None
    our_latest_error: float | None
    first_wis: float | None
    our_first_wis: float | None = Field(description="Ours over the probabilities that they name.")
    latest_wis: float | None
    our_latest_wis: float | None


class OutsidePage(Page):
    """Forecasts from outside by series, month, model and reference date."""

    dataset: str
    unit: str
    outside: list[OutsideAnswer]


class OutsideModelAnswer(Answer):
    """How somebody else's forecasts did on first prints beside ours of the same targets, in the dataset's unit."""

    model_id: str
    n: int = Field(description="Targets that came.")
    points: int = Field(description="Those of them of which they gave a point: what both absolute errors are over.")
    unit: str
    mae: float | None
    our_mae: float | None
    wis: float
    our_wis: float
    better: float = Field(description="Share of the targets on which their WIS was below ours.")


class OutsideModelPage(Page):
    """Models from outside by name."""

    dataset: str
    unit: str
    models: list[OutsideModelAnswer]


class OutsideAppendedAnswer(Answer):
    """What became of the statements sent."""

    dataset: str
    received: int
    inserted: int
    unchanged: int = Field(description="Statements that were known already.")
