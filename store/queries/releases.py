"""The release calendar: due dates, which are data and may be edited, and publication."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.errors import BadReleases
from store.models import Dataset, Release, Run
from tables import BadRows, Faults

MONTHS_AHEAD = 12
JANUARY_WAITS_FOR_FEBRUARY = frozenset({"CHN"})
"""Reporters that publish January together with February, in March."""
Status = Literal["due", "late", "done"]


class ReleaseRecord(NamedTuple):
    """A month of a dataset: due date, publication, and number of requests.

    `missing` counts the series that the month before had and this month, published in part, has not yet.
    """

    dataset_id: str
    period: date
    due_on: date
    due_at: datetime | None
    published_at: datetime | None
    missing: int
    polls: int
    polled_at: datetime | None

    @property
    def due_from(self) -> datetime:
        """The moment from which it is awaited: the beginning of its day, in UTC, where no time is known."""
        return self.due_at or datetime.combine(self.due_on, time(), UTC)

    def status(self, now: datetime, grace: timedelta) -> Status:
        """Done when every series has come; late when that is not so though its due moment and the grace are over."""
        if self.published_at is not None and not self.missing:
            return "done"
        return "late" if now > self.due_from + grace else "due"


def due_days(months: NDArray[np.datetime64], *, release_day: int, reporter: str) -> NDArray[np.datetime64]:
    """The day on which each month's figures are due (`datetime64[D]`): `release_day` of the month after."""
    month = np.asarray(months).astype("datetime64[M]")
    if reporter in JANUARY_WAITS_FOR_FEBRUARY:
        month = month + (month.astype(int) % 12 == 0)
    return (month + 1).astype("datetime64[D]") + (release_day - 1)


def planned_days(session: Session, dataset_id: str, months: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """The day on which each month is due by the calendar (`datetime64[D]`), by the dataset's rule where it has none."""
    source = session.execute(
        sa.select(col(Dataset.release_day), col(Dataset.reporter)).where(col(Dataset.id) == dataset_id)
    ).one()
    days = due_days(months, release_day=source.release_day, reporter=source.reporter)
    known = session.execute(sa.select(col(Release.period), col(Release.due_on)).where(_of(dataset_id)))
    planned = {np.datetime64(period, "M"): np.datetime64(due_on, "D") for period, due_on in known}
    keys = np.asarray(months).astype("datetime64[M]")
    return np.array([planned.get(key, day) for key, day in zip(keys, days, strict=True)], dtype="datetime64[D]")


def plan(session: Session, frame: pd.DataFrame) -> int:
    """Put due dates, as checked by `tables.check_releases`, in place of those there are; gives how many.

    All of them or none. Raises BadReleases where a dataset is unknown. The caller commits.
    """
    faults = Faults()
    known = session.scalars(sa.select(col(Dataset.id))).all()
    faults.add(frame["dataset"], ~frame["dataset"].isin(known).to_numpy(), "no dataset has this code")
    try:
        faults.stop()
    except BadRows as error:
        raise BadReleases(error.faults, total=error.total) from error
    moments = [None if pd.isna(moment) else moment for moment in frame["due_at"]]
    columns = (frame["dataset"], frame["period"].dt.date, frame["due_on"].dt.date, moments)
    names = ("dataset_id", "period", "due_on", "due_at")
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    upsert = insert(Release)
    edited = {name: upsert.excluded[name] for name in ("due_on", "due_at")}
    session.execute(upsert.on_conflict_do_update(index_elements=["dataset_id", "period"], set_=edited), rows)
    return len(rows)


def record(session: Session, dataset_id: str, published: Mapping[date, date]) -> None:
    """Record the publication day of each month without one; plan the months after the last."""
    if not published:
        return
    last = np.datetime64(max(published), "M")
    ahead = (last + np.arange(1, MONTHS_AHEAD + 1)).astype("datetime64[D]").tolist()
    periods = [*sorted(published), *ahead]
    due = planned_days(session, dataset_id, np.array(periods, "datetime64[D]")).tolist()
    rows = [
        {"dataset_id": dataset_id, "period": period, "due_on": due_on, "published_at": _midnight(published.get(period))}
        for period, due_on in zip(periods, due, strict=True)
    ]
    upsert = insert(Release)
    first_known = sa.func.coalesce(col(Release.published_at), upsert.excluded.published_at)
    session.execute(
        upsert.on_conflict_do_update(index_elements=["dataset_id", "period"], set_={"published_at": first_known}), rows
    )
    session.execute(_COUNT_MISSING, {"dataset": dataset_id})


# February looks back to December as well: where it holds January too, a series that lacks it ended there.
_COUNT_MISSING = sa.text("""
    WITH last AS (
        SELECT o.series_id, max(o.month) AS month
        FROM observation o JOIN series s ON s.id = o.series_id WHERE s.dataset_id = :dataset GROUP BY o.series_id
    ), newest AS (
        SELECT max(month) AS month,
               max(month) - CASE extract(month FROM max(month)) WHEN 2 THEN 2 ELSE 1 END * interval '1 month' AS before
        FROM last
    )
    UPDATE release SET missing = CASE WHEN period = newest.month THEN
        (SELECT count(*) FROM last WHERE last.month >= newest.before AND last.month < newest.month) ELSE 0 END
    FROM newest
    WHERE dataset_id = :dataset AND (period = newest.month OR missing > 0)
""")


def releases(session: Session, dataset_id: str, *, since: date | None = None) -> list[ReleaseRecord]:
    """The dataset's calendar, oldest month first, without skipped months."""
    conditions = [_of(dataset_id)]
    if since is not None:
        conditions.append(col(Release.period) >= since)
    return _rows(session, *conditions)


def due(session: Session, now: datetime, dataset_id: str | None = None) -> list[ReleaseRecord]:
    """Months that should have come by `now` and have not, or not all of them: of a dataset or of all, oldest first."""
    moment = sa.func.coalesce(col(Release.due_at), sa.cast(col(Release.due_on), sa.DateTime(timezone=True)))
    waiting = sa.or_(col(Release.published_at).is_(None), col(Release.missing) > 0)
    conditions = [waiting, moment <= now]
    if dataset_id is not None:
        conditions.append(_of(dataset_id))
    return _rows(session, *conditions)


def next_due(session: Session, dataset_id: str) -> ReleaseRecord | None:
    """The month that is awaited next, if the calendar has one."""
    waiting = _rows(session, _of(dataset_id), col(Release.published_at).is_(None))
    return waiting[0] if waiting else None


def combined_januaries(run_id: int) -> sa.Select[date]:
    """The Januaries that the dataset of a run released on the same day as February: no forecast lies between them."""
    return _combined_januaries(sa.select(col(Run.dataset_id)).where(col(Run.id) == run_id).scalar_subquery())


def combined_januaries_of(session: Session, dataset_id: str) -> set[date]:
    """The Januaries that a dataset released on the same day as February."""
    return set(session.scalars(_combined_januaries(sa.literal(dataset_id))))


def _combined_januaries(dataset_id: sa.ColumnElement[str]) -> sa.Select[date]:
    january, february = sa.orm.aliased(Release), sa.orm.aliased(Release)
    of_the_same_day = sa.and_(
        col(february.dataset_id) == january.dataset_id,
        col(february.period) == col(january.period) + sa.text("interval '1 month'"),
        col(february.published_at) == january.published_at,
    )
    wanted = (col(january.dataset_id) == dataset_id, sa.extract("month", col(january.period)) == 1)
    return sa.select(col(january.period)).join(february, of_the_same_day).where(*wanted)


def claim_poll(session: Session, awaited: ReleaseRecord, now: datetime) -> bool:
    """Record a request for a release; False if another process has just made one."""
    claim = sa.update(Release).where(
        _of(awaited.dataset_id), col(Release.period) == awaited.period, col(Release.polls) == awaited.polls
    )
    values = {"polls": awaited.polls + 1, "polled_at": now}
    return session.execute(claim.values(values).returning(col(Release.period))).first() is not None


def _of(dataset_id: str) -> sa.ColumnElement[bool]:
    return col(Release.dataset_id) == dataset_id


def _rows(session: Session, *conditions: sa.ColumnElement[bool]) -> list[ReleaseRecord]:
    """Releases by dataset and month; a month that was never published is no longer awaited once a later one is."""
    later = sa.orm.aliased(Release)
    passed = sa.exists().where(
        col(later.dataset_id) == Release.dataset_id,
        col(later.period) > col(Release.period),
        col(later.published_at).is_not(None),
    )
    columns: list[Any] = [col(getattr(Release, name)) for name in ReleaseRecord._fields]
    query = (
        sa.select(*columns)
        .where(*conditions, sa.or_(col(Release.published_at).is_not(None), ~passed))
        .order_by(col(Release.dataset_id), col(Release.period))
    )
    return [ReleaseRecord(*row) for row in session.execute(query)]


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
