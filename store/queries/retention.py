"""Retention: older runs are thinned to what others cite, and runs without forecasts are deleted."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from store.errors import RunThinned
from store.models import (
    BacktestForecast,
    BacktestPeriod,
    Decomposition,
    ForecastPath,
    ForecastWeight,
    PanelSeries,
    Run,
    Score,
)

FEWEST_RUNS = 2
"""Runs of a dataset that always stay whole: the latest, and the one that its changes are attributed against."""
THINNED_TABLES: tuple[type[SQLModel], ...] = (
    *(BacktestForecast, BacktestPeriod, Score, Decomposition),
    *(ForecastPath, ForecastWeight, PanelSeries),
)
"""Tables deleted by thinning. A thinned run keeps forecasts, quantiles, scores against actuals and changes."""


def thinned_on(session: Session, run_id: int) -> date | None:
    """The day on which a run was thinned; None where it is whole."""
    moment: datetime | None = session.scalar(sa.select(col(Run.thinned_at)).where(col(Run.id) == run_id))
    return None if moment is None else moment.date()


def refuse_thinned(session: Session, run_id: int) -> None:
    """Raise RunThinned where a run no longer has its paths and its backtest."""
    day = thinned_on(session, run_id)
    if day is not None:
        raise RunThinned(run_id, day)


class Retention(NamedTuple):
    """Runs to be thinned, and runs without forecasts to be deleted."""

    thinned: list[int]
    deleted: list[int]


def expired_runs(session: Session, dataset_id: str, *, keep_runs: int, keep_since: date) -> Retention:
    """Runs of a dataset beyond its newest `keep_runs` published ones whose as_of is before `keep_since`.

    At least FEWEST_RUNS published runs stay whole; queued and running ones are never touched.
    """
    mine = (col(Run.dataset_id) == dataset_id, col(Run.as_of) < keep_since)
    published = (
        sa.select(col(Run.id))
        .where(col(Run.dataset_id) == dataset_id, col(Run.status) == "published")
        .order_by(col(Run.as_of).desc(), col(Run.finished_at).desc(), col(Run.id).desc())
    )
    newest = published.limit(max(keep_runs, FEWEST_RUNS))
    thinned = published.where(*mine, col(Run.thinned_at).is_(None), col(Run.id).not_in(newest.scalar_subquery()))
    deleted = sa.select(col(Run.id)).where(*mine, col(Run.status).in_(("failed", "unchanged"))).order_by(col(Run.id))
    return Retention(list(session.scalars(thinned)), list(session.scalars(deleted)))


def thin(session: Session, run_ids: Sequence[int], *, now: datetime) -> int:
    """Delete what runs keep beyond forecasts and record; returns the number of rows. The caller commits."""
    deleted = 0
    for table in THINNED_TABLES:
        run_id = sa.inspect(table).local_table.c["run_id"]
        statement = sa.delete(table).where(run_id.in_(run_ids))
        deleted += session.connection().execute(statement).rowcount
    session.execute(sa.update(Run).where(col(Run.id).in_(run_ids)).values(thinned_at=now))
    return deleted


def delete(session: Session, run_ids: Sequence[int]) -> None:
    """Delete runs with everything that belongs to them. The caller commits."""
    session.execute(sa.delete(Run).where(col(Run.id).in_(run_ids)))
