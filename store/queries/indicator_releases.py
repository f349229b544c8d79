"""The release calendar of indicators: due dates by their rule, which may be edited, and publication."""

from datetime import UTC, date, datetime, time
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.models.indicators import Indicator, IndicatorObservation, IndicatorRelease
from store.queries.releases import MONTHS_AHEAD


class IndicatorReleaseRecord(NamedTuple):
    """A month of an indicator: due date, publication, and number of requests."""

    indicator_id: str
    period: date
    due_on: date
    due_at: datetime | None
    published_on: date | None
    polls: int
    polled_at: datetime | None

    @property
    def due_from(self) -> datetime:
        """The moment from which it is awaited: the beginning of its day, in UTC, where no time is known."""
        return self.due_at or datetime.combine(self.due_on, time(), UTC)


def due_day(month: date, lag_days: int) -> date:
    """The day on which a month is due: `lag_days` after its last day."""
    following = (np.datetime64(month, "M") + 1).astype("datetime64[D]")
    found: date = (following + (lag_days - 1)).astype(object)
    return found


def record(session: Session, indicator_id: str) -> None:
    """Record the publication of every stored month, and plan the months after the last. The caller commits."""
    month, known_on = col(IndicatorObservation.month), col(IndicatorObservation.known_on)
    mine = col(IndicatorObservation.indicator_id) == indicator_id
    first_known = sa.select(month, sa.func.min(known_on)).where(mine).group_by(month)
    published = {row[0]: row[1] for row in session.execute(first_known)}
    if not published:
        return
    lag_days = session.execute(sa.select(col(Indicator.lag_days)).where(col(Indicator.id) == indicator_id)).scalar_one()
    last = np.datetime64(max(published), "M")
    ahead = (last + np.arange(1, MONTHS_AHEAD + 1)).astype("datetime64[D]").tolist()
    rows = [
        {
            "indicator_id": indicator_id,
            "period": period,
            "due_on": due_day(period, lag_days),
            "published_on": published.get(period),
            "polls": 0,
        }
        for period in [*sorted(published), *ahead]
    ]
    upsert = insert(IndicatorRelease)
    known = sa.func.coalesce(col(IndicatorRelease.published_on), upsert.excluded.published_on)
    index = ["indicator_id", "period"]
    session.execute(upsert.on_conflict_do_update(index_elements=index, set_={"published_on": known}), rows)


def due(session: Session, now: datetime, indicator_id: str) -> list[IndicatorReleaseRecord]:
    """The months of an indicator that should have come by `now` and have not, oldest first."""
    moment = sa.func.coalesce(
        col(IndicatorRelease.due_at), sa.cast(col(IndicatorRelease.due_on), sa.DateTime(timezone=True))
    )
    return _awaited(session, indicator_id, moment <= now)


def next_due(session: Session, indicator_id: str) -> IndicatorReleaseRecord | None:
    """The month that is awaited next, if the calendar has one."""
    return next(iter(_awaited(session, indicator_id)), None)


def claim_poll(session: Session, awaited: IndicatorReleaseRecord, now: datetime) -> bool:
    """Record a request for a release; False if another process has just made one."""
    claim = sa.update(IndicatorRelease).where(
        col(IndicatorRelease.indicator_id) == awaited.indicator_id,
        col(IndicatorRelease.period) == awaited.period,
        col(IndicatorRelease.polls) == awaited.polls,
    )
    values = {"polls": awaited.polls + 1, "polled_at": now}
    return session.execute(claim.values(values).returning(col(IndicatorRelease.period))).first() is not None


def _awaited(session: Session, indicator_id: str, *conditions: sa.ColumnElement[bool]) -> list[IndicatorReleaseRecord]:
    """Months without publication after the last published one, oldest first: a gap is not awaited."""
    mine = col(IndicatorRelease.indicator_id) == indicator_id
    period, published_on = col(IndicatorRelease.period), col(IndicatorRelease.published_on)
    last = sa.select(sa.func.max(period)).where(mine, published_on.is_not(None)).scalar_subquery()
    columns = [col(getattr(IndicatorRelease, name)) for name in IndicatorReleaseRecord._fields]
    query = sa.select(*columns).where(mine, published_on.is_(None), period > last, *conditions).order_by(period)
    return [IndicatorReleaseRecord(*row) for row in session.execute(query)]
