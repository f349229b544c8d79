"""Adjustments of forecasts. These functions leave the commit to the caller."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.errors import UnknownAdjustment
from store.models import Adjustment, Run


class AdjustmentRecord(NamedTuple):
    """An adjustment as stored; fields as in `store.models.Adjustment`."""

    id: int
    dataset_id: str
    run_id: int
    author: str
    reason: str
    created_at: datetime
    expires: date | None
    withdrawn_at: datetime | None
    ends: date
    statement: Mapping[str, Any]
    statistical: Sequence[float]
    judgement: Sequence[float]


_COLUMNS = [sa.inspect(Adjustment).local_table.c[name] for name in AdjustmentRecord._fields]


def add(session: Session, **values: Any) -> int:
    """The number of a new adjustment; values as in `AdjustmentRecord`."""
    return int(session.execute(sa.insert(Adjustment).values(values).returning(col(Adjustment.id))).scalar_one())


def find(session: Session, adjustment_id: int) -> AdjustmentRecord:
    """An adjustment by its number. Raises UnknownAdjustment."""
    found = _read(session, col(Adjustment.id) == adjustment_id)
    if not found:
        raise UnknownAdjustment(adjustment_id)
    return found[0]


def withdraw(session: Session, adjustment_id: int, *, now: datetime) -> None:
    """Withdraw an adjustment: it no longer applies, and stays on record. Raises UnknownAdjustment."""
    find(session, adjustment_id)
    change = sa.update(Adjustment).where(col(Adjustment.id) == adjustment_id, col(Adjustment.withdrawn_at).is_(None))
    session.execute(change.values(withdrawn_at=now))


def of_dataset(session: Session, dataset: str) -> list[AdjustmentRecord]:
    """Every adjustment of a dataset, oldest first."""
    return _read(session, col(Adjustment.dataset_id) == dataset)


def applied(session: Session, dataset: str, *, as_of: date, cutoff: date) -> list[AdjustmentRecord]:
    """The adjustments that apply to a run of this day and cutoff, oldest first."""
    earlier = sa.select(col(Run.id)).where(col(Run.dataset_id) == dataset, col(Run.as_of) <= as_of)
    expires = col(Adjustment.expires)
    return _read(
        session,
        col(Adjustment.dataset_id) == dataset,
        col(Adjustment.run_id).in_(earlier),
        sa.or_(expires.is_(None), expires >= as_of),
        col(Adjustment.withdrawn_at).is_(None),
        col(Adjustment.ends) > cutoff,
    )


def _read(session: Session, *conditions: Any) -> list[AdjustmentRecord]:
    rows = session.execute(sa.select(*_COLUMNS).where(*conditions).order_by(col(Adjustment.id)))
    return [AdjustmentRecord(*row) for row in rows]
