"""Limits of scheduled runs: a run ends when it takes too long, or when the scheduler stops."""

from datetime import timedelta
from threading import Event

from errors import TradewindError
from forecasting.types import OnProgress
from jobs.clock import Clock


class RunTooLong(TradewindError, RuntimeError):
    """A run exceeded the longest duration of scheduled runs, and is discarded as a whole."""

    def __init__(self, dataset: str, limit: timedelta) -> None:
        self.dataset, self.limit = dataset, limit
        super().__init__(f"the run of {dataset} was ended after {limit.total_seconds() / 3600:g} hours")


class SchedulerStopped(RuntimeError):
    """The scheduler was stopped during a run, which is discarded as a whole."""


def ends_run(dataset: str, *, clock: Clock, limit: timedelta, stopping: Event) -> OnProgress:
    """Ends a run between two series: when the scheduler stops, or when the run takes too long."""
    started = clock()

    def check(_stage: str, _done: int, _total: int) -> None:
        if stopping.is_set():
            raise SchedulerStopped
        if clock() - started > limit:
            raise RunTooLong(dataset, limit)

    return check
