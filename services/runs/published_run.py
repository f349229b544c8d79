"""One published run: its dataset, its series, and each series' observations with its joint paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from sqlmodel import Session

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.data.months import MONTHS_PER_YEAR, first_day, month_number, month_text
from services.runs.run_selection import latest_run, run_of
from services.series.catalog_cache import CatalogCache
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import cutoff_number, read_series_paths
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import forecasts, run_indicators, runs
from store.queries.catalog import DatasetRecord
from store.queries.run_indicators import UsedIndicator
from store.queries.run_inputs import recent
from store.queries.runs import PublishedRunRecord

LONGEST_YEARS = 40
BY_PARTNER = "CN_PARTNERS"
"""The dataset that pages about partners open with."""
FLOW_NAMES = {"X": "Exports", "M": "Imports", "B": "Balance"}
PREPOSITIONS = {"X": "to", "M": "from", "B": "with"}


@dataclass(frozen=True)
class PublishedRun:
    """One published run of a dataset, with the session that reads it."""

    session: Session
    dataset: DatasetRecord
    run: PublishedRunRecord
    catalog: SeriesCatalog
    probabilities: Sequence[float]
    """Probabilities of the stored quantiles."""

    @property
    def short_history(self) -> int | None:
        """The months that the dataset has itself, where it borrows the history before them."""
        if self.dataset.borrows_history is None or self.dataset.start is None:
            return None
        return self.last - month_of(self.dataset.start) + 1

    def at(self, run: PublishedRunRecord) -> "PublishedRun":
        """The same series in another run of the dataset."""
        return replace(self, run=run)

    @cached_property
    def indicators(self) -> Sequence[UsedIndicator]:
        """The indicators with months beyond the run's cutoff, which its forecasts rest on."""
        return [used for used in run_indicators.used(self.session, self.run.id) if used.leads]

    @cached_property
    def statuses(self) -> Mapping[int, str]:
        """The statuses of series that ended or whose last value is unusual, by series number."""
        return forecasts.statuses(self.session, self.run.id)

    @property
    def unit(self) -> str:
        """The dataset's unit."""
        return self.catalog.unit

    def unit_of(self, series: ResolvedSeries) -> str:
        """The unit of a series: the dataset's, or that of a quantity."""
        return self.catalog.unit_of(series)

    @property
    def cutoff(self) -> date:
        """The last observed month."""
        return self.run.cutoff

    @property
    def last(self) -> int:
        """The cutoff as a month number."""
        return cutoff_number(self.run)

    @property
    def flows(self) -> list[str]:
        """The flows, with the balance where both exports and imports are stored."""
        stored = [flow for flow in "XM" if flow in self.catalog.codes[0]]
        return [*stored, "B"] if len(stored) == 2 else stored

    def choose(self, flow: str, partner: str = TOTAL_PARTNER, sector: str = TOTAL_SECTOR) -> ResolvedSeries:
        """One series. Raises UnknownSeries."""
        return self.catalog.choose(flows=[flow], partners=[partner], sectors=[sector])[0]

    def main(self, flow: str) -> ResolvedSeries:
        """The series that stands for a flow: the world total, or else the largest series. Raises UnknownSeries."""
        try:
            return self.choose(flow)
        except UnknownSeries:
            return self._largest(self.catalog.choose(flows=[flow], partners=None, sectors=None))

    def _largest(self, chosen: Sequence[ResolvedSeries]) -> ResolvedSeries:
        """The series with the largest sum over the last twelve observed months."""
        ids = sorted({part.series_id for series in chosen for part in series.parts})
        months = first_day(self.last - MONTHS_PER_YEAR + 1), first_day(self.last)
        values = recent(self.session, self.run.id, ids, first=months[0], last=months[1]).values
        sums = dict(zip(ids, np.nansum(values, axis=1).tolist(), strict=True))
        return max(chosen, key=lambda series: sum(sums[part.series_id] for part in series.parts))

    def name(self, series: ResolvedSeries) -> str:
        """The name of a series: Exports to Germany, electric vehicles."""
        name = FLOW_NAMES[series.flow]
        if self.dataset.reporter == TOTAL_PARTNER:
            return f"{name} of {self.partner_name(series.partner)}"
        if series.partner != TOTAL_PARTNER:
            name += f" {PREPOSITIONS[series.flow]} {self.partner_name(series.partner)}"
        elif self.dataset.derives_total:
            name += f" {PREPOSITIONS[series.flow]} all listed partners"
        return name if series.sector == TOTAL_SECTOR else f"{name}, {self.catalog.sectors[series.sector].lower()}"

    def partner_name(self, code: str) -> str:
        """The name of a partner, without the number of members of a group."""
        return self.catalog.partners[code].split(" (")[0]

    def partner_label(self, code: str) -> str:
        """The name of a partner; of a group that the data hold in part with the number of its members."""
        return self.catalog.partners[code]

    def read_paths(self, chosen: Sequence[ResolvedSeries], *, years: int | None = None) -> list[SeriesPaths]:
        """Observations and joint paths of series over the same months: the last `years`, or all that are stored."""
        # Without a known first month, the months before the first observation are missing values and cost little.
        start = month_of(self.dataset.start) if self.dataset.start else self.last - MONTHS_PER_YEAR * LONGEST_YEARS + 1
        first = start if years is None else max(start, self.last - MONTHS_PER_YEAR * years + 1)
        found = read_series_paths(self.session, self.run, chosen, (first, self.last + self.run.horizon))
        return [found[series.unique_id] for series in chosen]


def open_run(session: Session, catalogs: CatalogCache, dataset: str, run_id: int | None = None) -> PublishedRun:
    """A published run of a dataset; without a number the latest.

    Raises UnknownDataset, UnknownRun, RunNotPublished, RunOfAnotherDataset.
    """
    record = store_catalog.dataset(session, dataset)
    run = latest_run(session, dataset) if run_id is None else run_of(session, dataset, run_id)
    coverage, catalog = catalogs.of_run(session, run.id)
    return PublishedRun(session, record, run, catalog, coverage.probabilities)


def partner_datasets(session: Session) -> list[str]:
    """The datasets that have series, by code."""
    return [dataset.id for dataset in store_catalog.datasets(session) if dataset.series]


def open_partner_run(
    session: Session, catalogs: CatalogCache, dataset: str | None, run_id: int | None = None
) -> PublishedRun:
    """A published run; without a dataset that of trade by partner, else of the dataset with most series.

    Raises as `open_run`.
    """
    datasets = {record.id: record.series for record in store_catalog.datasets(session) if record.series}
    widest = max(datasets, key=lambda code: (code == BY_PARTNER, datasets[code]), default="")
    return open_run(session, catalogs, dataset or widest, run_id)


def earlier_runs(session: Session, run: PublishedRunRecord, *, limit: int) -> list[PublishedRunRecord]:
    """Published runs of the same dataset with an earlier cutoff, newest first; one for each, no preliminary ones."""
    page = runs.page(session, dataset_id=run.dataset_id, status="published", limit=200)
    found: dict[date, PublishedRunRecord] = {}
    for earlier in filter(None, map(runs.as_published, page.rows)):
        if earlier.cutoff < run.cutoff and earlier.as_of <= run.as_of and not earlier.preliminary:
            found.setdefault(earlier.cutoff, earlier)
    return sorted(found.values(), key=lambda record: record.as_of, reverse=True)[:limit]


def month_of(day: date) -> int:
    """The month of a day as a month number."""
    return month_number(day.year, day.month)


def iso_day(month: int) -> str:
    """The first day of a month number, in ISO 8601."""
    return f"{month_text(month)}-01"


def citation(published: PublishedRun, subject: str, address: str) -> str:
    """A citation of forecasts of a run."""
    run = published.run
    known = f"data to {month_text(published.last)}"
    known += "".join(
        f"; {used.title} to {used.known_to:%Y-%m}, known on {used.known_on}" for used in published.indicators
    )
    return (
        f"Tradewind, {subject}: forecasts as of {run.as_of} (run {run.id}, {known}), "
        f"from {published.dataset.citation}. {address}"
    )
