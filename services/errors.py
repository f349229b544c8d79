"""Errors of queries that have no answer as stated.

QueryError
├── RunSuperseded              a change to a run that is no longer the latest
├── RunNotPublished            a run without forecasts to read (yet)
├── QueueFull                  too many runs of a dataset wait
└── Unanswerable               a query that these data cannot answer
    ├── HorizonBeyondRun
    ├── LevelNotKept
    ├── NotOneSeries
    ├── FutureAsOf
    ├── HorizonTooLong
    ├── NoMailServer
    ├── NoWhole
    ├── ShareOfBalance
    ├── PeriodBeyondRun
    ├── PeriodObserved
    ├── NothingToConcentrate
    ├── NothingToCompare
    ├── PartsDoNotAddUp
    ├── NothingToShock
    ├── ShockOfBalance
    ├── ScenarioOver
    ├── EventNotInDataset
    ├── NoCounterfactual
    └── RegressorNotUsed

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


class QueueFull(QueryError):
    """Too many runs of a dataset wait to be started."""

    def __init__(self, dataset: str, limit: int) -> None:
        self.dataset, self.limit = dataset, limit
        super().__init__(
            f"{limit} runs of {dataset} wait already; cancel some, or wait until the scheduler has executed them"
        )


class RunSuperseded(QueryError):
    """An adjustment of a run that is no longer the latest: its author may know later observations."""

    def __init__(self, run: int, latest: int) -> None:
        self.run, self.latest = run, latest
        super().__init__(f"run {run} is superseded by run {latest}: adjust the latest run")


class Unanswerable(QueryError):
    """A query that these data cannot answer."""


class HorizonBeyondRun(Unanswerable):
    """A horizon above the run's."""

    def __init__(self, horizon: int, *, run: int, run_horizon: int) -> None:
        self.horizon, self.run, self.run_horizon = horizon, run, run_horizon
        super().__init__(f"horizon {horizon} is beyond the {run_horizon} months that run {run} forecasts")


class LevelNotKept(Unanswerable):
    """A level whose bounds were not stored for the folds."""

    def __init__(self, level: float, kept: Sequence[float]) -> None:
        self.level, self.kept = level, tuple(kept)
        super().__init__(f"folds have the levels {', '.join(f'{stored:g}' for stored in kept)}, not {level:g}")


class NotOneSeries(Unanswerable):
    """Several series where the answer is about exactly one."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"the answer is about one series, and {number} were selected: give flow, partner and sector")


class FutureAsOf(Unanswerable):
    """A day after today."""

    def __init__(self, as_of: date, today: date) -> None:
        self.as_of, self.today = as_of, today
        super().__init__(f"as_of {as_of} is in the future; today is {today}")


class HorizonTooLong(Unanswerable):
    """A horizon above the greatest that a run may have."""

    def __init__(self, horizon: int, greatest: int) -> None:
        self.horizon, self.greatest = horizon, greatest
        super().__init__(f"horizon {horizon} is above {greatest}, the greatest a run may have")


class NoMailServer(Unanswerable):
    """E-mails are requested of a service that has no mail server."""

    def __init__(self) -> None:
        super().__init__("this service sends no e-mails; set TRADEWIND_SMTP_URL and TRADEWIND_MAIL_FROM, or omit email")


class NoWhole(Unanswerable):
    """A share of a total, or a contribution to one, that the run does not forecast."""

    def __init__(self, unique_id: str, whole: str, of: str) -> None:
        self.unique_id, self.whole, self.of = unique_id, whole, of
        super().__init__(f"{unique_id} has no {of} total: the run does not forecast {whole}")


class ShareOfBalance(Unanswerable):
    """A share of a balance, which may be zero or below."""

    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id
        super().__init__(f"{unique_id} has no share: a balance may be zero or below")


class PeriodBeyondRun(Unanswerable):
    """A period that ends after the last forecast month."""

    def __init__(self, period: str, last_month: str, run: int) -> None:
        self.period, self.last_month, self.run = period, last_month, run
        super().__init__(f"{period} ends after {last_month}, the last month that run {run} forecasts")


class PeriodObserved(Unanswerable):
    """A period that the run has observed in full."""

    def __init__(self, period: str, cutoff: str, run: int) -> None:
        self.period, self.cutoff, self.run = period, cutoff, run
        super().__init__(f"{period} is over: run {run} has observed every month up to {cutoff}; ask for observations")


class NothingToConcentrate(Unanswerable):
    """A dataset that has only totals over the dimension."""

    def __init__(self, over: str, dataset: str) -> None:
        self.over, self.dataset = over, dataset
        super().__init__(f"dataset {dataset} has no single {over} whose share could be counted")


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


class NothingToShock(Unanswerable):
    """A shock on a partner or a sector of which no part is forecast."""

    def __init__(self, partner: str, sector: str | None, dataset: str) -> None:
        self.partner, self.sector, self.dataset = partner, sector, dataset
        of = partner if sector is None else f"{partner} and {sector}"
        super().__init__(f"dataset {dataset} forecasts no part of {of} to shock")


class ShockOfBalance(Unanswerable):
    """A shock on a balance, which has no partner that trade is diverted from."""

    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id
        super().__init__(f"{unique_id} cannot be shocked: choose exports or imports")


class ScenarioOver(Unanswerable):
    """A scenario of which a run has observed every month."""

    def __init__(self, name: str, run: int) -> None:
        self.name, self.run = name, run
        super().__init__(f"the scenario {name} is over: run {run} has observed every month that it is about")


class NoRunAsOf(NotStored):
    """No published run is as old as the requested day."""

    def __init__(self, dataset: str, as_of: date, latest: date) -> None:
        self.dataset, self.as_of, self.latest = dataset, as_of, latest
        super().__init__(f"no published run of {dataset} is as of {as_of} or earlier; the latest is as of {latest}")


class RunOfAnotherDataset(NotStored):
    """A run of another dataset than the requested one."""

    def __init__(self, run: int, dataset: str, *, requested: str) -> None:
        self.run, self.dataset, self.requested = run, dataset, requested
        super().__init__(f"run {run} is of {dataset}, not of {requested}")


class EventNotInDataset(Unanswerable):
    """An event that concerns no series of a dataset."""

    def __init__(self, event: str, dataset: str, flow: str, sector: str) -> None:
        self.event, self.dataset, self.flow, self.sector = event, dataset, flow, sector
        super().__init__(f"event {event} concerns no series of {dataset} in flow {flow} and sector {sector}")


class NoCounterfactual(Unanswerable):
    """An event without a forecast from before its announcement and outcomes after it."""

    def __init__(self, event: str, dataset: str, as_of: date, reason: str) -> None:
        self.event, self.dataset, self.as_of, self.reason = event, dataset, as_of, reason
        super().__init__(
            f"event {event}: {reason}; a run of {dataset} as of {as_of} gives the forecast without the event: "
            "POST /v1/runs"
        )


class RegressorNotUsed(Unanswerable):
    """A regressor that moved no forecast of a run."""

    def __init__(self, regressor: str, run: int) -> None:
        self.regressor, self.run = regressor, run
        super().__init__(
            f"regressor {regressor} moved no forecast of run {run}: its values were not known in time for every month, "
            "or the forecaster with regressors has no weight"
        )
