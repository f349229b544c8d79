"""Events of runs: those that moved forecasts, the worth of their regressors, and the amounts that they added."""

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import EventEffect, EventEvidence, RunEvent, Table


class EventEvidenceRecord(NamedTuple):
    """The worth of a regressor of events; errors in the dataset's unit."""

    regressor: str
    coefficient: float
    n: int
    mae_without: float | None
    mae_with: float | None
    p_value: float | None


class EventEffectRecord(NamedTuple):
    """The amount that events added to the forecast of a month, in the dataset's unit."""

    series_id: int
    month: date
    value: float


def write(
    session: Session, run_id: int, *, used: Collection[str], evidence: pd.DataFrame, effects: pd.DataFrame
) -> None:
    """Store a run's events; the caller commits.

    `evidence` has columns regressor, coefficient, n, mae_without, mae_with, p_value; `effects` series_id, month, value.
    NaN is stored as NULL.
    """
    tables: tuple[tuple[type[Table], list[dict[str, Any]]], ...] = (
        (RunEvent, [{"event_id": event} for event in sorted(used)]),
        (EventEvidence, _rows(evidence)),
        (EventEffect, _rows(effects)),
    )
    for table, rows in tables:
        if rows:
            session.execute(sa.insert(table), [{"run_id": run_id, **row} for row in rows])


def used(session: Session, run_id: int) -> frozenset[str]:
    """The events that moved a run's forecasts."""
    return frozenset(session.scalars(sa.select(col(RunEvent.event_id)).where(col(RunEvent.run_id) == run_id)))


def evidence(session: Session, run_id: int) -> list[EventEvidenceRecord]:
    """The worth of the regressors of events on a run's folds."""
    columns = [col(getattr(EventEvidence, name)) for name in EventEvidenceRecord._fields]
    query = sa.select(*columns).where(col(EventEvidence.run_id) == run_id).order_by(columns[0])
    return [EventEvidenceRecord(*row) for row in session.execute(query)]


def effects(session: Session, run_id: int) -> list[EventEffectRecord]:
    """The amounts that events added to a run's forecasts, by series and month."""
    columns = [col(getattr(EventEffect, name)) for name in EventEffectRecord._fields]
    query = sa.select(*columns).where(col(EventEffect.run_id) == run_id).order_by(*columns[:2])
    return [EventEffectRecord(*row) for row in session.execute(query)]


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
