"""Indicators of runs: their last months, their worth on the folds, and their contributions to forecasts."""

from datetime import date
from typing import NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import Series
from store.models.indicators import Indicator, IndicatorEffect, IndicatorEvidence, RunIndicator

ALL = "*"
"""All indicators of a series together."""


class UsedIndicator(NamedTuple):
    """An indicator as a run knew it; `leads` counts its months beyond the run's cutoff."""

    indicator_id: str
    title: str
    known_to: date
    known_on: date
    leads: int


class EvidenceRecord(NamedTuple):
    """The worth of an indicator for a series; errors in the dataset's unit, `weight` in per cent."""

    flow: str
    partner: str
    sector: str
    indicator_id: str
    n: int
    mae_without: float | None
    mae_with: float | None
    p_value: float | None
    weight: float | None


class EvidencePage(NamedTuple):
    """Some of the evidence, by series and indicator, and how much there is."""

    rows: list[EvidenceRecord]
    total: int


class EffectRecord(NamedTuple):
    """Contribution of an indicator to the forecast of a month, in the dataset's unit."""

    series_id: int
    indicator_id: str
    month: date
    value: float


def write(session: Session, run_id: int, *, known: pd.DataFrame, evidence: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Store a run's indicators; the caller commits.

    `known` has columns indicator_id, known_to, known_on, leads; `evidence` series_id, indicator_id, n, mae_without,
    mae_with, p_value, weight; `effects` series_id, indicator_id, month, value. NaN is stored as NULL.
    """
    for table, frame in ((RunIndicator, known), (IndicatorEvidence, evidence), (IndicatorEffect, effects)):
        if len(frame):
            rows = frame.astype(object).where(frame.notna(), None).assign(run_id=run_id)
            names = [str(name) for name in rows]
            records = [dict(zip(names, row, strict=True)) for row in rows.itertuples(index=False)]
            session.execute(sa.insert(table), records)


def used(session: Session, run_id: int) -> list[UsedIndicator]:
    """The indicators that a run knew, by code."""
    query = (
        sa.select(
            col(RunIndicator.indicator_id),
            col(Indicator.title),
            *(col(getattr(RunIndicator, name)) for name in UsedIndicator._fields[2:]),
        )
        .join(Indicator, col(Indicator.id) == RunIndicator.indicator_id)
        .where(col(RunIndicator.run_id) == run_id)
        .order_by(col(RunIndicator.indicator_id))
    )
    return [UsedIndicator(*row) for row in session.execute(query)]


def evidence(session: Session, run_id: int, *, limit: int | None = None, offset: int = 0) -> EvidencePage:
    """The worth of indicators for the series of a run."""
    columns = [
        *(col(getattr(Series, name)) for name in EvidenceRecord._fields[:3]),
        *(col(getattr(IndicatorEvidence, name)) for name in EvidenceRecord._fields[3:]),
    ]
    query = (
        sa.select(*columns)
        .join(Series, col(Series.id) == IndicatorEvidence.series_id)
        .where(col(IndicatorEvidence.run_id) == run_id)
    )
    total = session.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    rows = session.execute(query.order_by(*columns[:4]).limit(limit).offset(offset))
    return EvidencePage([EvidenceRecord(*row) for row in rows], total)


def effects(session: Session, run_id: int) -> list[EffectRecord]:
    """The effects of indicators on a run's forecasts, by series, indicator and month."""
    columns = [col(getattr(IndicatorEffect, name)) for name in EffectRecord._fields]
    query = sa.select(*columns).where(col(IndicatorEffect.run_id) == run_id).order_by(*columns[:3])
    return [EffectRecord(*row) for row in session.execute(query)]
