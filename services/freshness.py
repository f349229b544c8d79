"""Freshness of a dataset: the last observed month and the releases that are overdue."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from store.queries import releases


class Freshness(NamedTuple):
    """The last month of data, and the months whose release is overdue, oldest first; None for a run of the past."""

    data_end: date
    overdue: tuple[date, ...] | None


def dataset_freshness(session: Session, dataset: str, data_end: date, *, now: datetime, grace: timedelta) -> Freshness:
    """The freshness of a dataset at a moment; a release is overdue once `grace` has passed since it was due."""
    awaited = releases.due(session, now, dataset)
    late = (release for release in awaited if release.status(now, grace) == "late")
    return Freshness(data_end, tuple(release.period for release in late if release.period > data_end))
