"""Observations as known on a day."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import Observation, ResolvedSeries, Series
from store.queries import catalog
from store.queries.latest_vintages import given_rows, latest
from store.queries.partner_wholes import wholes_of_partners


class ObservationRecord(NamedTuple):
    """A month of a series, or of a group or a balance computed from several, in the dataset's unit."""

    flow: str
    partner: str
    sector: str
    month: date
    value: float
    months: int
    status: str
    vintage: date
    backfilled: bool


class ObservationPage(NamedTuple):
    """Some observations of a longer list, by flow, partner, sector and month, and its length."""

    rows: list[ObservationRecord]
    total: int


def panel_frame(session: Session, dataset: str, as_of: date | None = None) -> pd.DataFrame:
    """Observations known on `as_of` (default: now) with columns unique_id, flow, partner, whole, sector, ds, y, months.

    `whole` is the partner that a partner is part of: a published group, or the world; empty for neither.
    Sorted by series and month; `y` in the dataset's unit; `months` is 2 where February holds January too.
    Raises UnknownDataset.
    """
    catalog.dataset(session, dataset)
    ours = sa.select(col(Series.id)).where(col(Series.dataset_id) == dataset)
    newest = latest(col(Observation.series_id).in_(ours), as_of=as_of).subquery()
    query = (
        sa.select(
            *(col(column) for column in (Series.flow, Series.partner, Series.sector)),
            *(newest.c.month, newest.c.value, newest.c.months),
        )
        .join(Series, col(Series.id) == newest.c.series_id)
        .order_by(col(Series.flow), col(Series.partner), col(Series.sector), newest.c.month)
    )
    columns = ["flow", "partner", "sector", "ds", "y", "months"]
    frame = pd.DataFrame(session.execute(query).all(), columns=columns)
    frame.insert(2, "whole", frame["partner"].map(wholes_of_partners(session, dataset)).fillna(""))
    frame.insert(0, "unique_id", dataset + "." + frame["flow"] + "." + frame["partner"] + "." + frame["sector"])
    return frame.astype({"ds": "datetime64[ns]", "y": float, "months": int})


def values_since(session: Session, dataset: str, start: date) -> pd.DataFrame:
    """The latest values from a month on, sorted by series and month: columns flow, partner, sector, month, value."""
    ours = sa.select(col(Series.id)).where(col(Series.dataset_id) == dataset)
    newest = latest(col(Observation.series_id).in_(ours), col(Observation.month) >= start).subquery()
    keys = [col(column) for column in (Series.flow, Series.partner, Series.sector)]
    query = sa.select(*keys, newest.c.month, newest.c.value).join(Series, col(Series.id) == newest.c.series_id)
    rows = session.execute(query.order_by(*keys, newest.c.month)).all()
    frame = pd.DataFrame(rows, columns=["flow", "partner", "sector", "month", "value"])
    return frame.astype({"month": "datetime64[ns]", "value": float})


class Extent(NamedTuple):
    """How many observations a dataset has, and the latest day on which one became known: it changes with each."""

    observations: int
    latest_vintage: date | None


def extent(session: Session, dataset: str) -> Extent:
    """What would be different had anything been appended to the dataset."""
    query = (
        sa.select(sa.func.count(), sa.func.max(col(Observation.vintage)))
        .join(Series, col(Series.id) == Observation.series_id)
        .where(col(Series.dataset_id) == dataset)
    )
    return Extent(*session.execute(query).one())


def first_known(session: Session, dataset: str, as_of: date) -> dict[date, date]:
    """The day on which each month became the last one known, where that day was kept.

    Left out are months with a backfilled value, and those that became known no earlier than the next.
    """
    rows = session.execute(_FIRST_KNOWN, {"dataset": dataset, "as_of": as_of})
    return {row.month: row.born for row in rows}


def known_days(session: Session, dataset: str, as_of: date) -> dict[date, date]:
    """The first day on which each month was known, of those known on `as_of`; a backfilled month by its due day."""
    query = (
        sa.select(col(Observation.month), sa.func.min(col(Observation.vintage)))
        .join(Series, col(Series.id) == Observation.series_id)
        .where(col(Series.dataset_id) == dataset, col(Observation.vintage) <= as_of)
        .group_by(col(Observation.month))
    )
    return {row[0]: row[1] for row in session.execute(query)}


_FIRST_KNOWN = sa.text("""
    SELECT month, born FROM (
        SELECT o.month, min(o.vintage) AS born, bool_or(o.backfilled) AS backfilled,
               lead(min(o.vintage)) OVER (ORDER BY o.month) AS next
        FROM observation o JOIN series s ON s.id = o.series_id
        WHERE s.dataset_id = :dataset AND o.vintage <= :as_of
        GROUP BY o.month
    ) AS known
    WHERE NOT backfilled AND (next IS NULL OR next > born)
""")


def series_ids(session: Session, dataset: str) -> dict[str, int]:
    """The number of each stored series by its unique_id."""
    return {series.unique_id: series.id for series in catalog.series(session, dataset).rows}


class KnownMonth(NamedTuple):
    """The known value of a month of a stored series, in the dataset's unit."""

    series_id: int
    month: date
    value: float
    months: int
    status: str
    vintage: date
    backfilled: bool


def known_months(session: Session, series_ids: Sequence[int], *, as_of: date | None = None) -> list[KnownMonth]:
    """The values of stored series known on `as_of` (default: now), by no particular order."""
    newest = latest(col(Observation.series_id).in_(series_ids), as_of=as_of).subquery()
    return [KnownMonth(*row) for row in session.execute(sa.select(*(newest.c[name] for name in KnownMonth._fields)))]


class MonthSpan(NamedTuple):
    """The first and the last month that a series has a value for."""

    first: date
    last: date


def month_spans(session: Session, series_ids: Sequence[int], *, as_of: date | None = None) -> dict[int, MonthSpan]:
    """The months of stored series known on `as_of` (default: now), by number; a series without any is left out."""
    wanted: list[sa.ColumnElement[bool]] = [col(Observation.series_id).in_(series_ids)]
    if as_of is not None:
        wanted.append(col(Observation.vintage) <= as_of)
    bounds = (sa.func.min(col(Observation.month)), sa.func.max(col(Observation.month)))
    query = sa.select(col(Observation.series_id), *bounds).where(*wanted).group_by(col(Observation.series_id))
    return {series_id: MonthSpan(first, last) for series_id, first, last in session.execute(query)}


def values(
    session: Session,
    series: Sequence[ResolvedSeries],
    *,
    start: date | None = None,
    end: date | None = None,
    as_of: date | None = None,
    updated_after: date | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> ObservationPage:
    """Observations known on `as_of` (default: now) of the months from `start` to `end`.

    A month is left out where a part of the series is missing, or holds January too while another does not. With
    `updated_after` only values that became known after that day are returned.
    """
    query = _summed(series, start=start, end=end, as_of=as_of, updated_after=updated_after)
    total = session.execute(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    rows = session.execute(query.limit(limit).offset(offset))
    return ObservationPage([ObservationRecord(*row) for row in rows], total)


def _summed(
    series: Sequence[ResolvedSeries],
    *,
    start: date | None,
    end: date | None,
    as_of: date | None,
    updated_after: date | None,
) -> sa.Select[Any]:
    part = given_rows(
        "part",
        flow=(sa.String, [resolved.flow for resolved in series for _ in resolved.parts]),
        partner=(sa.String, [resolved.partner for resolved in series for _ in resolved.parts]),
        sector=(sa.String, [resolved.sector for resolved in series for _ in resolved.parts]),
        series_id=(sa.Integer, [part.series_id for resolved in series for part in resolved.parts]),
        sign=(sa.Integer, [part.sign for resolved in series for part in resolved.parts]),
        parts=(sa.Integer, [len(resolved.parts) for resolved in series for _ in resolved.parts]),
        multiple=(sa.Float, [float(resolved.multiple or 0) for resolved in series for _ in resolved.parts]),
    )
    wanted: list[sa.ColumnElement[bool]] = [col(Observation.series_id).in_(sa.select(part.c.series_id))]
    if start is not None:
        wanted.append(col(Observation.month) >= start)
    if end is not None:
        wanted.append(col(Observation.month) <= end)
    newest = latest(*wanted, as_of=as_of).subquery()
    key = (part.c.flow, part.c.partner, part.c.sector, newest.c.month)
    value = part.c.sign * newest.c.value
    # Added up as decimals: 0.1 + 0.2 is 0.3 for a reader.
    exact = sa.cast(sa.func.sum(sa.cast(value, sa.Numeric)), sa.Float)
    ratio = part.c.multiple * sa.func.max(newest.c.value).filter(part.c.sign == 1)
    ratio /= sa.func.nullif(sa.func.max(newest.c.value).filter(part.c.sign == -1), 0)
    later = [] if updated_after is None else [sa.func.max(newest.c.vintage) > updated_after]
    highest, lowest = sa.func.max(newest.c.months), sa.func.min(newest.c.months)
    return (
        sa.select(
            *key,
            sa.case((part.c.parts == 1, sa.func.sum(value)), (part.c.multiple > 0, ratio), else_=exact),
            highest,
            sa.func.max(newest.c.status),
            sa.func.max(newest.c.vintage),
            sa.func.bool_or(newest.c.backfilled),
        )
        .join(newest, newest.c.series_id == part.c.series_id)
        .group_by(*key, part.c.parts, part.c.multiple)
        .having(sa.func.count() == part.c.parts, highest == lowest, *later)
        .order_by(*key)
    )
