"""Selection of the run that answers, and of its series."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlmodel import Session

from services.errors import HorizonBeyondRun, NoRunAsOf, RunNotPublished, RunOfAnotherDataset
from services.parameters import Measure, MeasureSelection, RunSelection, SeriesSelection, StoredSeriesSelection
from services.series.catalog_cache import CatalogCache
from services.series.series_catalog import SeriesCatalog
from store.errors import UnknownRun
from store.models import ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import runs
from store.queries.forecasts import Coverage
from store.queries.runs import PublishedRunRecord


def published_run(session: Session, run_id: int) -> PublishedRunRecord:
    """A published run by its number. Raises UnknownRun, RunNotPublished."""
    run = runs.find(session, run_id)
    published = runs.as_published(run)
    if published is None:
        raise RunNotPublished(run_id, run.status)
    return published


def select_run(session: Session, dataset: str, query: RunSelection) -> PublishedRunRecord:
    """The run that a query selects. Raises as `run_of` and `latest_run` do."""
    if query.run is None:
        return latest_run(session, dataset, query.as_of)
    return run_of(session, dataset, query.run)


def run_of(session: Session, dataset: str, run_id: int) -> PublishedRunRecord:
    """A published run of a dataset. Raises UnknownDataset, UnknownRun, RunNotPublished, RunOfAnotherDataset."""
    run = published_run(session, run_id)
    if run.dataset_id != dataset:
        store_catalog.dataset(session, dataset)
        raise RunOfAnotherDataset(run_id, run.dataset_id, requested=dataset)
    return run


def latest_run(session: Session, dataset: str, as_of: date | None = None) -> PublishedRunRecord:
    """The latest published run, none later than `as_of`. Raises UnknownDataset, UnknownRun, NoRunAsOf."""
    found = runs.latest_published(session, dataset, as_of)
    if found is not None:
        return found
    store_catalog.dataset(session, dataset)
    latest = runs.latest_published(session, dataset)
    if as_of is None or latest is None:
        raise UnknownRun(dataset=dataset)
    raise NoRunAsOf(dataset, as_of, latest.as_of)


def requested_horizon(run: PublishedRunRecord, horizon: int | None) -> int:
    """The requested horizon in months, by default the run's own. Raises HorizonBeyondRun."""
    if horizon is not None and horizon > run.horizon:
        raise HorizonBeyondRun(horizon, run=run.id, run_horizon=run.horizon)
    return horizon or run.horizon


class SelectedSeries(NamedTuple):
    """The selected series, a page of them, and the coverage of the run."""

    all: Sequence[ResolvedSeries]
    page: Sequence[ResolvedSeries]
    catalog: SeriesCatalog
    coverage: Coverage

    @property
    def total(self) -> int:
        """Number of selected series."""
        return len(self.all)


def select_series(
    session: Session,
    catalogs: CatalogCache,
    run: PublishedRunRecord,
    query: SeriesSelection | StoredSeriesSelection,
    limit: int | None = None,
) -> SelectedSeries:
    """The series of a run that a query selects, in pages of `limit`, by default the query's. Raises UnknownSeries."""
    coverage, catalog = catalogs.of_run(session, run.id)
    measure: Measure = query.measure if isinstance(query, MeasureSelection) else "value"
    selected = catalog.choose_measure(measure, flows=query.flow, partners=query.partner, sectors=query.sector)
    page = selected[query.offset : query.offset + (limit or query.limit)]
    return SelectedSeries(selected, page, catalog, coverage)
