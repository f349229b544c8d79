"""First prints: values as first published, where they are known from elsewhere or their first vintage was kept."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import Session, col

from store.models import FirstPrint, Observation


class FirstPrintRecord(NamedTuple):
    """A value as first published; fields as in `store.models.FirstPrint`."""

    series_id: int
    month: date
    months: int
    measure: str
    released: date
    value: float


def add(session: Session, records: Iterable[FirstPrintRecord]) -> None:
    """Store first prints; one that is known stays as it is. The caller commits."""
    rows = [record._asdict() for record in records]
    if rows:
        session.execute(insert(FirstPrint).on_conflict_do_nothing(), rows)


def find(session: Session, series_id: int, month: date, months: int, measure: str) -> FirstPrintRecord | None:
    """A first print known from elsewhere than an observation; None where there is none."""
    columns = [col(getattr(FirstPrint, name)) for name in FirstPrintRecord._fields]
    target = (series_id, month, months, measure)
    query = sa.select(*columns).where(*(column == part for column, part in zip(columns, target, strict=False)))
    found = session.execute(query).first()
    return None if found is None else FirstPrintRecord(*found)


def kept_on(session: Session, series_ids: Sequence[int], month: date) -> date | None:
    """The day by which every one of some series had its first print of a month.

    None where one has no value of the month, or a backfilled one in place of its first print.
    """
    columns = (col(Observation.series_id), col(Observation.vintage), col(Observation.backfilled))
    query = sa.select(*columns).where(col(Observation.series_id).in_(series_ids), col(Observation.month) == month)
    first = session.execute(
        query.ext(distinct_on(col(Observation.series_id))).order_by(col(Observation.series_id), columns[1])
    ).all()
    if len(first) < len(set(series_ids)) or any(row.backfilled for row in first):
        return None
    day: date = max(row.vintage for row in first)
    return day
