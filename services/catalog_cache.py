"""What runs and datasets hold, remembered as long as it cannot have changed.

A published run never changes. A dataset only gains series, so that their number tells whether it is still the same; its
groups follow from them.
"""

from collections.abc import Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

from sqlmodel import Session

from services.series_catalog import SeriesCatalog
from store.queries import catalog, forecasts
from store.queries.catalog import DatasetRecord
from store.queries.forecasts import Coverage

REMEMBERED = 16
Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The values asked for last; safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[Key, Value] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        """The value of a key, if it is still known."""
        with self._lock:
            if key not in self._known:
                return None
            # Put back at the end: the first is the one not asked for longest.
            self._known[key] = self._known.pop(key)
            return self._known[key]

    def put(self, key: Key, value: Value) -> None:
        """Remember a value, and forget the one not asked for longest."""
        with self._lock:
            self._known[key] = value
            while len(self._known) > REMEMBERED:
                self._known.pop(next(iter(self._known)))


class CatalogCache:
    """Catalogs of published runs and of datasets."""

    def __init__(self) -> None:
        self._runs: Recent[int, tuple[Coverage, SeriesCatalog]] = Recent()
        self._datasets: Recent[tuple[str, int], SeriesCatalog] = Recent()
        self.answers: Recent[Hashable, Any] = Recent()
        """What pages worked out of published runs, by whatever it depends on."""

    def of_run(self, session: Session, run_id: int) -> tuple[Coverage, SeriesCatalog]:
        """What a published run covers."""
        known = self._runs.get(run_id)
        if known is None:
            known = _read_run(session, run_id)
            self._runs.put(run_id, known)
        return known

    def of_dataset(self, session: Session, dataset_id: str) -> tuple[DatasetRecord, SeriesCatalog]:
        """A dataset and its series. Raises UnknownDataset."""
        dataset = catalog.dataset(session, dataset_id)
        known = self._datasets.get((dataset.id, dataset.series))
        if known is None:
            known = _read_dataset(session, dataset)
            self._datasets.put((dataset.id, dataset.series), known)
        return dataset, known


def _read_run(session: Session, run_id: int) -> tuple[Coverage, SeriesCatalog]:
    covered = forecasts.coverage(session, run_id)
    return covered, SeriesCatalog(
        dataset=covered.dataset,
        unit=covered.unit,
        series=covered.series,
        partners=covered.partners,
        sectors=covered.sectors,
        members=covered.members,
    )


def _read_dataset(session: Session, dataset: DatasetRecord) -> SeriesCatalog:
    series = catalog.series(session, dataset.id).rows
    groups = catalog.groups(session, dataset.id)
    return SeriesCatalog(
        dataset=dataset.id,
        unit=dataset.unit,
        series=series,
        partners={one.partner: one.partner_name for one in series} | {group.code: group.label for group in groups},
        sectors={one.sector: one.sector_name for one in series},
        members={group.code: group.members for group in groups},
    )
