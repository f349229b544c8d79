"""Polling: a source is fetched from the due moment of a release on, with increasing pauses until it is published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.clock import Clock
from jobs.ingestion.fetch import Fetched
from jobs.scheduling import alerts
from services.runs.schedule import PollInterval
from store.queries import catalog, fetch_attempts, indicator_releases, indicators, releases
from store.queries.indicator_releases import IndicatorReleaseRecord
from store.queries.releases import ReleaseRecord

log = structlog.get_logger(__name__)
Poll = Callable[[str], Fetched]
"""Fetches a dataset or an indicator from its source and stores new values."""


@dataclass(frozen=True)
class Poller:
    """Fetches the datasets and indicators that have a source, those of `polls`, when they are due."""

    engine: Engine
    polls: Mapping[str, Poll]
    interval: PollInterval
    clock: Clock

    def indicators(self) -> list[str]:
        """The indicators that have a source."""
        with Session(self.engine) as session:
            return [record.id for record in indicators.indicators(session) if record.id in self.polls]

    def never_fetched(self) -> list[str]:
        """Datasets and indicators without observations that no attempt was made for within the longest pause."""
        with Session(self.engine) as session:
            stored = {dataset.id for dataset in catalog.datasets(session) if dataset.series}
            stored |= {record.id for record in indicators.indicators(session) if record.observations}
            since = self.clock() - self.interval.longest
            return [
                name
                for name in self.polls
                if name not in stored and not fetch_attempts.attempted_since(session, name, since)
            ]

    def fetch_first(self, name: str) -> None:
        """Fetch a dataset or an indicator for the first time."""
        fetched = self.polls[name](name)
        log.info("scheduler.first_fetch", dataset=name, outcome=fetched.outcome, reason=fetched.reason)

    def poll_dataset(self, dataset: str) -> None:
        """Fetch a release that is due and whose last poll is long enough ago."""
        poll = self.polls.get(dataset)
        if poll is None:
            return
        with Session(self.engine) as session:
            awaited = claim(session, dataset, now=self.clock(), interval=self.interval)
            session.commit()
        if awaited is None:
            return
        fetched = poll(dataset)
        failure = (fetched.reason or "no reason given") if fetched.outcome == "failed" else None
        log.info("scheduler.polled", dataset=dataset, period=f"{awaited.period:%Y-%m}", outcome=fetched.outcome)
        with Session(self.engine) as session:
            alerts.update_source_alert(session, awaited, failure=failure, now=self.clock())
            session.commit()

    def poll_indicator(self, indicator: str) -> None:
        """Fetch an indicator whose month is due and whose last poll is long enough ago."""
        with Session(self.engine) as session:
            awaited = claim_indicator(session, indicator, now=self.clock(), interval=self.interval)
            session.commit()
        if awaited is None:
            return
        fetched = self.polls[indicator](indicator)
        period = f"{awaited.period:%Y-%m}"
        log.info("scheduler.polled", indicator=indicator, period=period, outcome=fetched.outcome)


def claim(session: Session, dataset: str, *, now: datetime, interval: PollInterval) -> ReleaseRecord | None:
    """The release to poll the dataset's source for now, recorded as polled; None if there is none.

    The caller commits before it fetches, so that a crash does not cause an immediate retry.
    """
    for awaited in releases.due(session, now, dataset)[:1]:
        if interval.next_poll(awaited) <= now and releases.claim_poll(session, awaited, now):
            return awaited
    return None


def claim_indicator(
    session: Session, indicator: str, *, now: datetime, interval: PollInterval
) -> IndicatorReleaseRecord | None:
    """The month of an indicator to poll its source for now, as in `claim`."""
    for awaited in indicator_releases.due(session, now, indicator)[:1]:
        if interval.next_poll(awaited) <= now and indicator_releases.claim_poll(session, awaited, now):
            return awaited
    return None
