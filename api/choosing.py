"""Which run answers, and which of its series."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from api.catalogs import Catalogs
from api.errors import RunNotPublished
from api.params import ChosenRun, SeriesChoice, StoredChoice
from api.selection import Catalog, Chosen
from store import catalog as store_catalog
from store import runs
from store.errors import UnknownRun
from store.forecasts import Coverage
from store.runs import RunRecord


def published_run(session: Session, run_id: int) -> RunRecord:
    """A published run by its number. Raises UnknownRun, RunNotPublished."""
    run = runs.find(session, run_id)
    if run.status != "published":
        raise RunNotPublished(run_id, run.status)
    return run


def chosen_run(session: Session, dataset: str, query: ChosenRun) -> RunRecord:
    """The run that answers for a dataset. Raises UnknownDataset, UnknownRun, RunNotPublished."""
    if query.run is None:
        latest = runs.latest_published(session, dataset, query.as_of)
        if latest is not None:
            return latest
        store_catalog.dataset(session, dataset)
        raise UnknownRun(dataset=dataset)
    run = published_run(session, query.run)
    if run.dataset_id != dataset:
        store_catalog.dataset(session, dataset)
        raise UnknownRun(query.run)
    return run


class ChosenSeries(NamedTuple):
    """The series asked for, a page of them, and what the run covers."""

    all: Sequence[Chosen]
    page: Sequence[Chosen]
    catalog: Catalog
    coverage: Coverage

    @property
    def total(self) -> int:
        """How many series were asked for."""
        return len(self.all)


def chosen_series(
    session: Session, catalogs: Catalogs, run: RunRecord, query: SeriesChoice | StoredChoice
) -> ChosenSeries:
    """The series of a run that a query asks for. Raises UnknownSeries."""
    coverage, catalog = catalogs.of_run(session, run.id)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    page = chosen[query.offset : query.offset + query.limit]
    return ChosenSeries(chosen, page, catalog, coverage)
