"""State of a run: the last observed month, overdue releases, and whether a full run is still to follow."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from store.queries import releases, runs
from store.queries.catalog import DatasetRecord
from store.queries.runs import RunRecord


class Freshness(NamedTuple):
    """The last month of data, and the months whose release is overdue, oldest first; None for a run of the past."""

    data_end: date
    overdue: tuple[date, ...] | None


def dataset_freshness(session: Session, dataset: str, data_end: date, *, now: datetime, grace: timedelta) -> Freshness:
    """The freshness of a dataset at a moment; a release is overdue once `grace` has passed since it was due."""
    awaited = releases.due(session, now, dataset)
    late = (release for release in awaited if release.status(now, grace) == "late")
    return Freshness(data_end, tuple(release.period for release in late if release.period > data_end))


class StaleDataset(NamedTuple):
    """A dataset with overdue releases."""

    title: str
    freshness: Freshness


def stale_datasets(
    session: Session, datasets: Iterable[DatasetRecord], *, now: datetime, grace: timedelta
) -> list[StaleDataset]:
    """Those of some datasets that have overdue releases."""
    ends = ((dataset, dataset.end) for dataset in datasets)
    found = (
        StaleDataset(dataset.title, dataset_freshness(session, dataset.id, end, now=now, grace=grace))
        for dataset, end in ends
        if end is not None
    )
    return [stale for stale in found if stale.freshness.overdue]


class Refinement(NamedTuple):
    """A preliminary run's number of folds, and the full run in progress that will replace it, if it has started."""

    folds: int
    run: RunRecord | None


def refinement(session: Session, run: RunRecord) -> Refinement | None:
    """The refinement of a preliminary run; None for a full run."""
    if not run.preliminary:
        return None
    return Refinement(run.config["folds"], runs.newest_running(session, run.dataset_id))
