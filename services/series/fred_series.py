"""Series and observations as the FRED protocol describes them: one id a series, real-time periods, vintage dates."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlmodel import Session

from services.series.catalog_cache import CatalogCache
from services.series.series_catalog import SeriesCatalog
from services.series.series_transforms import Aggregation, FredFrequency, FredUnits, aggregate, transform
from store.errors import UnknownSeries
from store.models import ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import observations, revisions
from store.queries.catalog import DatasetRecord
from store.queries.revisions import RevisionSelection

ID_PARTS = 4
MANY = 10**9


class FredSeries(NamedTuple):
    """A series, its dataset and its catalogue."""

    dataset: DatasetRecord
    catalog: SeriesCatalog
    series: ResolvedSeries


class RealTimeValue(NamedTuple):
    """A value of a month and the days on which it was the known one; no last day for the current value."""

    month: date
    value: float
    realtime_start: date
    realtime_end: date | None


def find_series(session: Session, catalogs: CatalogCache, series_id: str) -> FredSeries:
    """The series of an id, DATASET.FLOW.PARTNER.SECTOR. Raises UnknownSeries, UnknownDataset."""
    parts = series_id.split(".")
    if len(parts) != ID_PARTS:
        raise UnknownSeries(series_id)
    dataset, catalog = catalogs.of_dataset(session, parts[0])
    return FredSeries(dataset, catalog, catalog.single(parts[1], parts[2], parts[3]))


def matching_series(session: Session, catalogs: CatalogCache, text: str) -> list[FredSeries]:
    """Stored series of all datasets whose id and names contain every word of a text, by id."""
    words = text.lower().split()
    found = []
    for dataset in store_catalog.datasets(session):
        _, catalog = catalogs.of_dataset(session, dataset.id)
        for series in catalog.stored:
            names = (series.unique_id, dataset.title, catalog.partners[series.partner], catalog.sectors[series.sector])
            flow = {"X": "exports", "M": "imports"}[series.flow]
            if all(word in f"{' '.join(names)} {flow}".lower() for word in words):
                found.append(FredSeries(dataset, catalog, series))
    return sorted(found, key=lambda match: match.series.unique_id)


def real_time_values(
    session: Session, found: FredSeries, *, start: date, end: date, as_of: date
) -> list[RealTimeValue]:
    """Every value of a series with its real-time period, by month and vintage, none later than `as_of`.

    A group or a balance changes with each vintage of its parts; a month without all parts has no value.
    """
    series = found.series
    selection = RevisionSelection([part.series_id for part in series.parts], start, end, as_of)
    rows = revisions.vintages(session, selection, 1, limit=MANY, offset=0).rows
    if not series.derived:
        return [RealTimeValue(row.month, row.value, row.realtime_start, row.realtime_end) for row in rows]
    by_month: dict[date, list[revisions.VintageRecord]] = defaultdict(list)
    for row in rows:
        by_month[row.month].append(row)
    signs = {part.series_id: part.sign for part in series.parts}
    return [value for month in sorted(by_month) for value in _sums(month, by_month[month], signs)]


def _sums(month: date, rows: Sequence[revisions.VintageRecord], signs: dict[int, int]) -> list[RealTimeValue]:
    """The sum of the parts of a month after each of their vintages."""
    known: dict[int, float] = {}
    sums: dict[date, float] = {}
    for row in sorted(rows, key=lambda row: row.realtime_start):
        known[row.series_id] = row.value
        if len(known) == len(signs):
            sums[row.realtime_start] = sum(signs[series_id] * value for series_id, value in known.items())
    days = [*sums, None]
    one_day = pd.Timedelta(days=1)
    ends = [None if day is None else (pd.Timestamp(day) - one_day).date() for day in days[1:]]
    return [RealTimeValue(month, value, day, last) for (day, value), last in zip(sums.items(), ends, strict=True)]


def known_values(session: Session, found: FredSeries, *, as_of: date | None) -> pd.Series:
    """The values known on a day, or now, indexed by the first days of months."""
    page = observations.values(session, [found.series], as_of=as_of)
    return pd.Series(
        [row.value for row in page.rows],
        index=pd.DatetimeIndex([row.month for row in page.rows]),
        dtype=np.float64,
    )


def transformed_values(
    session: Session,
    found: FredSeries,
    *,
    units: FredUnits,
    frequency: FredFrequency,
    method: Aggregation,
    as_of: date | None,
) -> pd.Series:
    """The values known on a day in units and frequency, without missing ones."""
    values = aggregate(known_values(session, found, as_of=as_of), frequency, method)
    return transform(values, units, frequency).dropna()
