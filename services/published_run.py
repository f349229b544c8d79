"""What pages read of one published run: its series, and each series' past with its joint draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.data.months import MONTHS_PER_YEAR, month_number, month_text
from services.catalog_cache import CatalogCache
from services.run_selection import latest_run, run_of
from services.series_catalog import SeriesCatalog
from services.series_paths import cutoff_number, read_series_paths
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import runs
from store.queries.catalog import DatasetRecord
from store.queries.runs import PublishedRunRecord

LONGEST_YEARS = 40


@dataclass(frozen=True)
class PublishedRun:
    """One published run of a dataset, and what reads it."""

    session: Session
    dataset: DatasetRecord
    run: PublishedRunRecord
    catalog: SeriesCatalog
    probabilities: Sequence[float]
    """Those of the quantiles that the run stored."""

    def at(self, run: PublishedRunRecord) -> "PublishedRun":
        """The same series at another run of the dataset."""
        return replace(self, run=run)

    @property
    def unit(self) -> str:
        """The dataset's unit."""
        return self.catalog.unit

    @property
    def cutoff(self) -> date:
        """The last month that the run saw."""
        return self.run.cutoff

    @property
    def last(self) -> int:
        """The cutoff as a number of months."""
        return cutoff_number(self.run)

    @property
    def flows(self) -> list[str]:
        """Flows that can be asked for, the balance among them where both its sides are there."""
        stored = [flow for flow in "XM" if flow in self.catalog.codes[0]]
        return [*stored, "B"] if len(stored) == 2 else stored

    def choose(self, flow: str, partner: str = TOTAL_PARTNER, sector: str = TOTAL_SECTOR) -> ResolvedSeries:
        """One series. Raises UnknownSeries."""
        return self.catalog.choose(flows=[flow], partners=[partner], sectors=[sector])[0]

    def main(self, flow: str) -> ResolvedSeries:
        """The series that stands for a flow: the world's total, or the first there is. Raises UnknownSeries."""
        try:
            return self.choose(flow)
        except UnknownSeries:
            return self.catalog.choose(flows=[flow], partners=None, sectors=None)[0]

    def name(self, one: ResolvedSeries) -> str:
        """A series in words: Exports to Germany, Electric vehicles."""
        flow = {"X": "Exports", "M": "Imports", "B": "Balance"}[one.flow]
        if one.partner != TOTAL_PARTNER:
            partner = self.catalog.partners[one.partner].split(" (")[0]
            flow += {"X": " to ", "M": " from ", "B": " with "}[one.flow] + partner
        return flow if one.sector == TOTAL_SECTOR else f"{flow}, {self.catalog.sectors[one.sector].lower()}"

    def read_paths(self, chosen: Sequence[ResolvedSeries], *, years: int | None = None) -> list[SeriesPaths]:
        """The past and the draws of series, over the same months: those of some years, or all that are known."""
        # Where no release says when figures begin, the years before them are not known, and take little room.
        start = month_of(self.dataset.start) if self.dataset.start else self.last - MONTHS_PER_YEAR * LONGEST_YEARS + 1
        first = start if years is None else max(start, self.last - MONTHS_PER_YEAR * years + 1)
        found = read_series_paths(self.session, self.run, chosen, (first, self.last + self.run.horizon))
        return [found[one.unique_id] for one in chosen]


def open_run(session: Session, catalogs: CatalogCache, dataset: str, run_id: int | None = None) -> PublishedRun:
    """A published run of a dataset, the latest unless told.

    Raises UnknownDataset, UnknownRun, RunNotPublished, RunOfAnotherDataset.
    """
    record = store_catalog.dataset(session, dataset)
    run = latest_run(session, dataset) if run_id is None else run_of(session, dataset, run_id)
    coverage, catalog = catalogs.of_run(session, run.id)
    return PublishedRun(session, record, run, catalog, coverage.probabilities)


def earlier_runs(session: Session, run: PublishedRunRecord, *, limit: int) -> list[PublishedRunRecord]:
    """Published runs of the same dataset that saw less, newest first, one a cutoff."""
    page = runs.page(session, dataset_id=run.dataset_id, status="published", limit=200)
    found: dict[date, PublishedRunRecord] = {}
    for earlier in filter(None, map(runs.as_published, page.rows)):
        if earlier.cutoff < run.cutoff and earlier.as_of <= run.as_of:
            found.setdefault(earlier.cutoff, earlier)
    return sorted(found.values(), key=lambda one: one.as_of, reverse=True)[:limit]


def codes(one: ResolvedSeries) -> str:
    """A series as the API is asked for it."""
    return f"flow={one.flow}&partner={one.partner}&sector={one.sector}"


def month_of(day: date) -> int:
    """A month as a number."""
    return month_number(day.year, day.month)


def iso_day(month: int) -> str:
    """A month's first day, as charts take it."""
    return f"{month_text(month)}-01"


def citation(desk: PublishedRun, what: str, address: str) -> str:
    """How to cite what is shown."""
    run = desk.run
    return (
        f"Tradewind, {what}: forecasts as of {run.as_of} (run {run.id}, data to {month_text(desk.last)}), "
        f"from {desk.dataset.citation}. {address}"
    )
