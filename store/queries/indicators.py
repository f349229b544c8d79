"""Indicators: their definitions, their values as known on a day, and the series they may inform."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.errors import BadObservations, UnknownIndicator, UnknownPartner
from store.models import Partner
from store.models.indicators import Indicator, IndicatorObservation, IndicatorUse
from store.queries import catalog
from tables import BadRows, Faults

VALUE_COLUMNS = ("indicator_id", "month", "known_on", "value", "backfilled")
CONFLICT = "another value of this month became known on the same day: send the correction with a later known_on"


class IndicatorRecord(NamedTuple):
    """An indicator as stored, the number of its observations, its first and last month."""

    id: str
    title: str
    kind: str
    unit: str
    country: str
    publisher: str
    licence: str
    citation: str
    lag_days: int
    observations: int
    start: date | None
    end: date | None


class IndicatorValue(NamedTuple):
    """The value of a month as known on a day."""

    month: date
    value: float
    known_on: date
    backfilled: bool


class IndicatorValuePage(NamedTuple):
    """Some values of a longer list, oldest first, and its length."""

    rows: list[IndicatorValue]
    total: int


class IndicatorUseRecord(NamedTuple):
    """An indicator and the series of a dataset that it may inform; `*` stands for any code."""

    indicator_id: str
    flow: str
    partner: str
    sector: str


class AppendedValues(NamedTuple):
    """How many observations were new and how many were known already."""

    inserted: int
    unchanged: int


def indicators(session: Session) -> list[IndicatorRecord]:
    """Every indicator, by code."""
    return [IndicatorRecord(*row) for row in session.execute(_records().order_by(col(Indicator.id)))]


def indicator(session: Session, indicator_id: str) -> IndicatorRecord:
    """An indicator by its code. Raises UnknownIndicator."""
    row = session.execute(_records().where(col(Indicator.id) == indicator_id)).first()
    if row is None:
        raise UnknownIndicator(indicator_id)
    return IndicatorRecord(*row)


def _records() -> sa.Select[*tuple[Any, ...]]:
    own = [col(getattr(Indicator, name)) for name in IndicatorRecord._fields[:-3]]
    month = col(IndicatorObservation.month)
    mine = col(IndicatorObservation.indicator_id) == Indicator.id
    measures = (sa.func.count(), sa.func.min(month), sa.func.max(month))
    return sa.select(*own, *(sa.select(measure).where(mine).scalar_subquery() for measure in measures))


def add_indicator(session: Session, **fields: Any) -> None:
    """Add an indicator; fields as in `Indicator`. An existing one is unchanged. Raises UnknownPartner."""
    if session.get(Partner, fields["country"]) is None:
        raise UnknownPartner(fields["country"])
    session.execute(insert(Indicator).values(**fields).on_conflict_do_nothing())


def add_uses(session: Session, dataset: str, uses: Iterable[IndicatorUseRecord]) -> None:
    """Let indicators inform series of a dataset. Raises UnknownDataset, UnknownIndicator."""
    catalog.dataset(session, dataset)
    for use in uses:
        indicator(session, use.indicator_id)
        values = {"dataset_id": dataset, **use._asdict()}
        session.execute(insert(IndicatorUse).values(**values).on_conflict_do_nothing())


def uses(session: Session, dataset: str) -> list[IndicatorUseRecord]:
    """Which indicators may inform which series of a dataset, by code."""
    columns = [col(getattr(IndicatorUse, name)) for name in IndicatorUseRecord._fields]
    query = sa.select(*columns).where(col(IndicatorUse.dataset_id) == dataset).order_by(*columns)
    return [IndicatorUseRecord(*row) for row in session.execute(query)]


def append(session: Session, *, indicator_id: str, frame: pd.DataFrame) -> AppendedValues:
    """Append values as checked by `tables.check_indicator`, each with its `known_on` and `backfilled`.

    A value equal to the one known on its day is not stored again. The caller commits.

    Raises:
        UnknownIndicator: there is no such indicator.
        BadObservations: a month has another value with the same day.
    """
    indicator(session, indicator_id)
    stored = _stored(session, indicator_id)
    both = pd.concat([stored.assign(row=-1), frame.assign(row=frame.index)], ignore_index=True)
    both = both.sort_values(["month", "known_on", "row"], kind="stable")
    before = both.shift()
    follows = both["month"] == before["month"]
    same = follows & (both["value"] == before["value"])
    conflict = follows & ~same & (both["known_on"] == before["known_on"])
    given = both["row"] >= 0
    faults = Faults()
    again = both[conflict & given].set_index("row")
    faults.add(again["value"], np.ones(len(again), bool), CONFLICT)
    try:
        faults.stop()
    except BadRows as error:
        raise BadObservations(error.faults, total=error.total) from error
    new = frame.loc[both.loc[given & ~same, "row"]]
    rows = {name: new[name].to_numpy() for name in VALUE_COLUMNS[1:]}
    copy_arrays(session, IndicatorObservation, {"indicator_id": np.full(len(new), indicator_id, object), **rows})
    return AppendedValues(len(new), len(frame) - len(new))


def _stored(session: Session, indicator_id: str) -> pd.DataFrame:
    columns = [col(getattr(IndicatorObservation, name)) for name in VALUE_COLUMNS[1:]]
    rows = session.execute(sa.select(*columns).where(col(IndicatorObservation.indicator_id) == indicator_id)).all()
    frame = pd.DataFrame(rows, columns=list(VALUE_COLUMNS[1:]))
    days = {"month": "datetime64[ns]", "known_on": "datetime64[ns]"}
    return frame.astype({**days, "value": float, "backfilled": bool})


def values(
    session: Session,
    indicator_id: str,
    *,
    start: date | None = None,
    end: date | None = None,
    as_of: date | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> IndicatorValuePage:
    """Values by month, the latest of each that was known on `as_of`. Raises UnknownIndicator."""
    indicator(session, indicator_id)
    month, known_on = col(IndicatorObservation.month), col(IndicatorObservation.known_on)
    columns = [col(getattr(IndicatorObservation, name)) for name in IndicatorValue._fields]
    query = sa.select(*columns).where(col(IndicatorObservation.indicator_id) == indicator_id)
    query = query.where(month >= start) if start else query
    query = query.where(month <= end) if end else query
    query = query.where(known_on <= as_of) if as_of else query
    latest = query.ext(distinct_on(month)).order_by(month, known_on.desc()).subquery()
    total = session.execute(sa.select(sa.func.count()).select_from(latest)).scalar_one()
    page = session.execute(sa.select(latest).order_by(latest.c.month).limit(limit).offset(offset))
    return IndicatorValuePage([IndicatorValue(*row) for row in page], total)


def extent(session: Session, dataset: str) -> tuple[int, date | None]:
    """The number of values of a dataset's indicators and the latest day of one: different once any is appended."""
    used = sa.select(col(IndicatorUse.indicator_id)).where(col(IndicatorUse.dataset_id) == dataset)
    count, day = session.execute(
        sa.select(sa.func.count(), sa.func.max(col(IndicatorObservation.known_on))).where(
            col(IndicatorObservation.indicator_id).in_(used)
        )
    ).one()
    return count, day


def known(session: Session, dataset: str, *, as_of: date) -> pd.DataFrame:
    """Everything known on a day of the indicators that may inform a dataset, every vintage of it.

    Columns indicator_id, month, known_on, value, sorted by the first three.
    """
    columns = [col(getattr(IndicatorObservation, name)) for name in VALUE_COLUMNS[:-1]]
    used = sa.select(col(IndicatorUse.indicator_id)).where(col(IndicatorUse.dataset_id) == dataset)
    query = (
        sa.select(*columns)
        .where(col(IndicatorObservation.indicator_id).in_(used), col(IndicatorObservation.known_on) <= as_of)
        .order_by(*columns[:3])
    )
    frame = pd.DataFrame(session.execute(query).all(), columns=list(VALUE_COLUMNS[:-1]))
    return frame.astype({"month": "datetime64[ns]", "known_on": "datetime64[ns]", "value": float})
