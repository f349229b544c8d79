"""Requests for runs, from the API, the command and the scheduler."""

from datetime import date, datetime

from sqlmodel import Session

from forecasting.code_version import code_version
from forecasting.config import ForecastConfig
from services.errors import FutureAsOf, QueueFull
from store.queries import catalog, run_status, runs


def request_run(session: Session, *, dataset: str, as_of: date, config: ForecastConfig, now: datetime) -> int:
    """The number of a new queued run; the caller commits. Raises UnknownDataset, FutureAsOf."""
    catalog.dataset(session, dataset)
    refuse_future(as_of, now)
    return run_status.queue(
        session,
        dataset_id=dataset,
        as_of=as_of,
        horizon=config.horizon,
        seed=config.seed,
        config=config.as_dict(),
        config_hash=config.digest,
        code_version=code_version(),
        requested_at=now,
    )


LONGEST_QUEUE = 20
"""Runs of a dataset that may wait at once: the scheduler executes one at a time."""


def refuse_full_queue(session: Session, dataset: str) -> None:
    """Raises QueueFull where LONGEST_QUEUE runs of the dataset wait already."""
    if runs.queue_length(session, dataset) >= LONGEST_QUEUE:
        raise QueueFull(dataset, LONGEST_QUEUE)


def refuse_future(as_of: date, now: datetime) -> None:
    """Raises FutureAsOf for a day after today."""
    if as_of > now.date():
        raise FutureAsOf(as_of, now.date())
