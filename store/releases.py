"""What was published when, and what is due. The calendar is data: a due date once stored may be edited, and stays."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.tables import Dataset, Release

MONTHS_AHEAD = 12
JANUARY_WAITS_FOR_FEBRUARY = frozenset({"CHN"})
"""Reporters that publish January together with February, in March."""


class ReleaseRecord(NamedTuple):
    """A month of a dataset: the day its figures are due, and when they came."""

    period: date
    due_on: date
    published_at: datetime | None


def due_days(months: NDArray[np.datetime64], *, release_day: int, reporter: str) -> NDArray[np.datetime64]:
    """The day on which each month's figures are due (`datetime64[D]`): `release_day` of the month after."""
    month = np.asarray(months).astype("datetime64[M]")
    if reporter in JANUARY_WAITS_FOR_FEBRUARY:
        month = month + (month.astype(int) % 12 == 0)
    return (month + 1).astype("datetime64[D]") + (release_day - 1)


def record(session: Session, dataset_id: str, published: Mapping[date, date]) -> None:
    """Note the day on which each month's figures came, unless it has one; plan the months ahead of the last."""
    if not published:
        return
    last = np.datetime64(max(published), "M")
    ahead = (last + np.arange(1, MONTHS_AHEAD + 1)).astype("datetime64[D]").tolist()
    periods = [*sorted(published), *ahead]
    source = session.execute(
        sa.select(col(Dataset.release_day), col(Dataset.reporter)).where(col(Dataset.id) == dataset_id)
    ).one()
    due = due_days(np.array(periods), release_day=source.release_day, reporter=source.reporter).tolist()
    rows = [
        {"dataset_id": dataset_id, "period": period, "due_on": due_on, "published_at": _midnight(published.get(period))}
        for period, due_on in zip(periods, due, strict=True)
    ]
    upsert = insert(Release)
    came = sa.func.coalesce(col(Release.published_at), upsert.excluded.published_at)
    session.execute(
        upsert.on_conflict_do_update(index_elements=["dataset_id", "period"], set_={"published_at": came}), rows
    )


def releases(session: Session, dataset_id: str) -> list[ReleaseRecord]:
    """The dataset's calendar, oldest month first."""
    return _rows(session, [col(Release.dataset_id) == dataset_id])


def due(session: Session, dataset_id: str, today: date) -> list[ReleaseRecord]:
    """Months whose figures should have come by `today` and have not, oldest first."""
    waiting = [col(Release.published_at).is_(None), col(Release.due_on) <= today]
    return _rows(session, [col(Release.dataset_id) == dataset_id, *waiting])


def next_due(session: Session, dataset_id: str) -> ReleaseRecord | None:
    """The month that is awaited next, if the calendar has one."""
    waiting = _rows(session, [col(Release.dataset_id) == dataset_id, col(Release.published_at).is_(None)])
    return waiting[0] if waiting else None


def _rows(session: Session, conditions: Iterable[sa.ColumnElement[bool]]) -> list[ReleaseRecord]:
    columns = (col(Release.period), col(Release.due_on), col(Release.published_at))
    query = sa.select(*columns).where(*conditions).order_by(col(Release.period))
    return [ReleaseRecord(*row) for row in session.execute(query)]


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
