"""Polling of sources: from the due time of a release, at growing intervals, until it is complete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from store.queries import releases
from store.queries.releases import ReleaseRecord


class Fetched(Protocol):
    """Result of a request to a source: "new", "unchanged" or "failed", and the reason of a failure."""

    @property
    def outcome(self) -> str:
        """The result."""

    @property
    def reason(self) -> str | None:
        """The reason of a failure."""


Poll = Callable[[str], Fetched]
"""Fetches a dataset from its source."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The pause after the first poll, and its upper limit; it doubles after each poll."""

    first: timedelta = timedelta(minutes=10)
    longest: timedelta = timedelta(hours=4)

    def next_poll(self, awaited: ReleaseRecord) -> datetime:
        """Time of the next request for an awaited release."""
        if awaited.polled_at is None:
            return awaited.due_from
        pause = self.first
        for _ in range(awaited.polls - 1):
            pause = min(2 * pause, self.longest)
        return awaited.polled_at + min(pause, self.longest)


def claim(session: Session, dataset: str, *, now: datetime, interval: Interval) -> ReleaseRecord | None:
    """The release for which the source is to be requested now, recorded as requested; None if there is none.

    The caller commits before the request, so that a crash does not repeat it at once.
    """
    for awaited in releases.due(session, now, dataset)[:1]:
        if interval.next_poll(awaited) <= now and releases.claim_poll(session, awaited, now):
            return awaited
    return None
