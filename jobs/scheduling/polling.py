"""Polling: a source is asked for a release when it is due, not before, and ever less often until it has come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from store.queries import releases
from store.queries.releases import ReleaseRecord


class Fetched(Protocol):
    """What came of asking a source: "new", "unchanged" or "failed", and why it failed."""

    @property
    def outcome(self) -> str:
        """What came of it."""

    @property
    def reason(self) -> str | None:
        """Why it failed."""


Poll = Callable[[str], Fetched]
"""Asks a dataset's source and stores what is new."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The pause after the first poll, doubled after each until it is the longest."""

    first: timedelta = timedelta(minutes=10)
    longest: timedelta = timedelta(hours=4)

    def next_poll(self, awaited: ReleaseRecord) -> datetime:
        """When a release that is awaited is to be asked for."""
        if awaited.polled_at is None:
            return awaited.due_from
        pause = self.first
        for _ in range(awaited.polls - 1):
            pause = min(2 * pause, self.longest)
        return awaited.polled_at + min(pause, self.longest)


def claim(session: Session, dataset: str, *, now: datetime, interval: Interval) -> ReleaseRecord | None:
    """The release for which the dataset's source is to be asked now, noted as asked for; None if there is none.

    The caller commits before it asks, so that a crash does not ask again at once.
    """
    for awaited in releases.due(session, now, dataset)[:1]:
        if interval.next_poll(awaited) <= now and releases.claim_poll(session, awaited, now):
            return awaited
    return None
