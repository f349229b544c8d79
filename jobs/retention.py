"""Retention of runs: `tradewind prune`, and the daily job of the scheduler."""

from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from store.queries import catalog, retention

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The pruned runs of a dataset: thinned ones, deleted ones, and the rows that thinning deleted."""

    dataset: str
    thinned: int
    deleted: int
    rows: int = 0


def prune(engine: Engine, *, keep_runs: int, keep_months: int, now: datetime, dry_run: bool = False) -> list[Pruned]:
    """Thin older published runs and delete older runs without forecasts, in one transaction a dataset.

    Of each dataset the newest `keep_runs` published runs, at least two, and all runs of the last `keep_months` months
    stay whole. With `dry_run` nothing changes.
    """
    with Session(engine) as session:
        datasets = [dataset.id for dataset in catalog.datasets(session)]
    since = (pd.Timestamp(now.date()) - pd.DateOffset(months=keep_months)).date()
    return [_prune(engine, dataset, keep_runs, since, now, dry_run) for dataset in datasets]


def _prune(engine: Engine, dataset: str, keep_runs: int, since: date, now: datetime, dry_run: bool) -> Pruned:
    with Session(engine) as session:
        expired = retention.expired_runs(session, dataset, keep_runs=keep_runs, keep_since=since)
        if dry_run or not (expired.thinned or expired.deleted):
            return Pruned(dataset, len(expired.thinned), len(expired.deleted))
        rows = retention.thin(session, expired.thinned, now=now)
        retention.delete(session, expired.deleted)
        session.commit()
    pruned = Pruned(dataset, len(expired.thinned), len(expired.deleted), rows)
    log.info("retention.pruned", dataset=dataset, thinned=pruned.thinned, deleted=pruned.deleted, rows=rows)
    return pruned
