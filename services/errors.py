"""Errors of queries: no answer to what was asked.

QueryError
├── RunNotPublished            a run without forecasts to read (yet)
└── Unanswerable               a query that does not make sense for these data
    ├── HorizonBeyondRun
    ├── LevelNotKept
    ├── NotOneSeries
    ├── FutureAsOf
    ├── HorizonTooLong
    ├── NoWhole
    ├── ShareOfBalance
    ├── PeriodBeyondRun
    ├── PeriodObserved
    ├── NotOneForecast
    ├── NothingToConcentrate
    ├── NothingToCompare
    └── PartsDoNotAddUp

NotStored
├── NoRunAsOf
└── RunOfAnotherDataset
"""

from collections.abc import Sequence
from datetime import date

from errors import TradewindError
from store.errors import NotStored


class QueryError(TradewindError):
    """A query that cannot be answered as stated."""


class RunNotPublished(QueryError):
    """The run exists and has no forecasts to read."""

    def __init__(self, run: int, status: str) -> None:
        self.run, self.run_status = run, status
        super().__init__(f"run {run} is {status}; only a published run has forecasts")


class Unanswerable(QueryError):
    """A question that makes no sense of these data."""


class HorizonBeyondRun(Unanswerable):
    """More months ahead than the run forecasts."""

    def __init__(self, horizon: int, *, run: int, run_horizon: int) -> None:
        self.horizon, self.run, self.run_horizon = horizon, run, run_horizon
        super().__init__(f"horizon {horizon} is beyond the {run_horizon} months that run {run} forecasts")


class LevelNotKept(Unanswerable):
    """A level whose bounds were not kept for the folds."""

    def __init__(self, level: float, kept: Sequence[float]) -> None:
        self.level, self.kept = level, tuple(kept)
        super().__init__(f"folds keep the levels {', '.join(f'{one:g}' for one in kept)}, not {level:g}")


class NotOneSeries(Unanswerable):
    """Several series where one is needed."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"this is about one stored series, and {number} were chosen: give flow, partner and sector")


class FutureAsOf(Unanswerable):
    """A day that has not come."""

    def __init__(self, as_of: date, today: date) -> None:
        self.as_of, self.today = as_of, today
        super().__init__(f"as_of {as_of} is in the future; today is {today}")


class HorizonTooLong(Unanswerable):
    """More months ahead than a run may forecast."""

    def __init__(self, horizon: int, greatest: int) -> None:
        self.horizon, self.greatest = horizon, greatest
        super().__init__(f"horizon {horizon} is above {greatest}, the greatest a run may have")


class NoWhole(Unanswerable):
    """A share or a contribution of a total that the run does not forecast."""

    def __init__(self, unique_id: str, whole: str, of: str) -> None:
        self.unique_id, self.whole, self.of = unique_id, whole, of
        super().__init__(f"{unique_id} has no {of} total here: the run does not forecast {whole}")


class ShareOfBalance(Unanswerable):
    """A share of what may be zero or below."""

    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id
        super().__init__(f"{unique_id} has no share: a balance may be zero or below")


class PeriodBeyondRun(Unanswerable):
    """A period that ends after the last month forecast."""

    def __init__(self, period: str, last_month: str, run: int) -> None:
        self.period, self.last_month, self.run = period, last_month, run
        super().__init__(f"{period} ends after {last_month}, the last month that run {run} forecasts")


class PeriodObserved(Unanswerable):
    """A period of which nothing is to come."""

    def __init__(self, period: str, cutoff: str, run: int) -> None:
        self.period, self.cutoff, self.run = period, cutoff, run
        super().__init__(f"{period} is over: run {run} has seen every month up to {cutoff}; ask for observations")


class NotOneForecast(Unanswerable):
    """Several series where a chance is that of one."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"this is about one series, and {number} were chosen: give flow, partner and sector")


class NothingToConcentrate(Unanswerable):
    """No partner or sector of its own is forecast, only wholes."""

    def __init__(self, over: str, dataset: str) -> None:
        self.over, self.dataset = over, dataset
        super().__init__(f"dataset {dataset} has no single {over} here to count")


class NothingToCompare(Unanswerable):
    """A period that cannot be compared with another."""

    def __init__(self, period: str, reason: str) -> None:
        self.period, self.reason = period, reason
        super().__init__(f"{period} cannot be compared: {reason}")


class PartsDoNotAddUp(Unanswerable):
    """Parts that overlap, so that contributions to a whole are not defined."""

    def __init__(self, by: str, dataset: str) -> None:
        self.by, self.dataset = by, dataset
        super().__init__(f"the {by}s of {dataset} overlap or have no total: contributions are not defined")


class NoRunAsOf(NotStored):
    """Every published run knows more than was known on a day."""

    def __init__(self, dataset: str, as_of: date, latest: date) -> None:
        self.dataset, self.as_of, self.latest = dataset, as_of, latest
        super().__init__(f"no published run of {dataset} is as of {as_of} or earlier; the latest is as of {latest}")


class RunOfAnotherDataset(NotStored):
    """A run that exists, and is of another dataset than was asked about."""

    def __init__(self, run: int, dataset: str, *, asked: str) -> None:
        self.run, self.dataset, self.asked = run, dataset, asked
        super().__init__(f"run {run} is of {dataset}, not of {asked}")
