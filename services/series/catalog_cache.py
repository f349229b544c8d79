"""Cache of the catalogues of published runs and datasets.

A published run never changes. A dataset only gains series, so that their number identifies its catalogue; groups follow
from the series.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

from cachetools import LRUCache
from sqlmodel import Session

from services.series.series_catalog import UNIT_VALUE_SUFFIX, SeriesCatalog
from store.queries import catalog, forecasts
from store.queries.catalog import DatasetRecord, SectorRecord
from store.queries.forecasts import Coverage

KEPT = 16
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class RecentValues(Generic[Key, Value]):
    """The values used last; safe to use from several threads."""

    def __init__(self) -> None:
        self._values: LRUCache[Key, Value] = LRUCache(KEPT)
        self._lock = Lock()

    def get(self, key: Key, compute: Callable[[], Value]) -> Value:
        """The value of a key, computed where it is not stored, in place of the least recently used."""
        with self._lock:
            known = self._values.get(key)
        if known is None:
            known = compute()
            with self._lock:
                self._values[key] = known
        return known


class CatalogCache:
    """Catalogues of published runs and of datasets."""

    def __init__(self) -> None:
        self._runs: RecentValues[int, tuple[Coverage, SeriesCatalog]] = RecentValues()
        self._datasets: RecentValues[tuple[str, int], SeriesCatalog] = RecentValues()
        self.answers: RecentValues[Hashable, Any] = RecentValues()
        """Results that pages and reports computed from published runs, by everything they depend on."""

    def of_run(self, session: Session, run_id: int) -> tuple[Coverage, SeriesCatalog]:
        """The coverage and catalogue of a published run."""
        return self._runs.get(run_id, partial(_read_run, session, run_id))

    def of_dataset(self, session: Session, dataset_id: str) -> tuple[DatasetRecord, SeriesCatalog]:
        """A dataset and its series. Raises UnknownDataset."""
        dataset = catalog.dataset(session, dataset_id)
        return dataset, self._datasets.get((dataset.id, dataset.series), partial(_read_dataset, session, dataset))


def _read_run(session: Session, run_id: int) -> tuple[Coverage, SeriesCatalog]:
    covered = forecasts.coverage(session, run_id)
    records = catalog.sectors_of(session, covered.dataset)
    return covered, SeriesCatalog(
        dataset=covered.dataset,
        unit=covered.unit,
        series=covered.series,
        partners=covered.partners,
        sectors=covered.sectors | _unit_value_names(records),
        members=covered.members,
        sector_records=records,
    )


def _read_dataset(session: Session, dataset: DatasetRecord) -> SeriesCatalog:
    series = catalog.series(session, dataset.id).rows
    groups = catalog.groups(session, dataset.id)
    records = catalog.sectors_of(session, dataset.id)
    return SeriesCatalog(
        dataset=dataset.id,
        unit=dataset.unit,
        series=series,
        partners={stored.partner: stored.partner_name for stored in series}
        | {group.code: group.label for group in groups},
        sectors={stored.sector: stored.sector_name for stored in series} | _unit_value_names(records),
        members={group.code: group.members for group in groups},
        sector_records=records,
    )


def _unit_value_names(records: Mapping[str, SectorRecord]) -> dict[str, str]:
    """Names of the unit values of sectors that have quantities, by code."""
    valued = {record.quantity_of for record in records.values()}
    return {
        code + UNIT_VALUE_SUFFIX: f"{record.name} (unit value)" for code, record in records.items() if code in valued
    }
