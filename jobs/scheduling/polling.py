"""Polling: a source is fetched from the due moment of a release on, with increasing pauses until it is published."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from jobs.ingestion.fetch import Fetched
from store.queries import releases
from store.queries.releases import ReleaseRecord

Poll = Callable[[str], Fetched]
"""Fetches a dataset from its source and stores new observations."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The pause after the first poll; it doubles after each poll up to the longest."""

    first: timedelta = timedelta(minutes=10)
    longest: timedelta = timedelta(hours=4)

    def next_poll(self, awaited: ReleaseRecord) -> datetime:
        """The moment of the next poll for an awaited release."""
        if awaited.polled_at is None:
            return awaited.due_from
        pause = self.first
        for _ in range(awaited.polls - 1):
            pause = min(2 * pause, self.longest)
        return awaited.polled_at + min(pause, self.longest)


def claim(session: Session, dataset: str, *, now: datetime, interval: Interval) -> ReleaseRecord | None:
    """The release to poll the dataset's source for now, recorded as polled; None if there is none.

    The caller commits before it fetches, so that a crash does not cause an immediate retry.
    """
    for awaited in releases.due(session, now, dataset)[:1]:
        if interval.next_poll(awaited) <= now and releases.claim_poll(session, awaited, now):
            return awaited
    return None
