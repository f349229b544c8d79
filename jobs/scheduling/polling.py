"""Polling: a source is fetched from the due moment of a release on, with increasing pauses until it is published."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from jobs.ingestion.fetch import Fetched
from services.runs.schedule import PollInterval
from store.queries import indicator_releases, releases
from store.queries.indicator_releases import IndicatorReleaseRecord
from store.queries.releases import ReleaseRecord

Poll = Callable[[str], Fetched]
"""Fetches a dataset or an indicator from its source and stores new values."""


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
