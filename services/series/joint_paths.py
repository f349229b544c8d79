"""The joint paths of a run by the series that are no sums, so that every sum follows from them draw by draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.data.hierarchy import find_hierarchy
from forecasting.data.january_february import split_combined
from forecasting.data.panel import Panel
from forecasting.types import FloatArray
from services.series.catalog_cache import CatalogCache
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import PathsById, read_observed
from store.models import ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import forecasts, retention, run_inputs
from store.queries.runs import PublishedRunRecord


@dataclass(frozen=True)
class JointPaths:
    """Paths of the parts, shape (parts, draws, steps), observed months of series, and each series as a sum of parts."""

    catalog: SeriesCatalog
    parts: Sequence[ResolvedSeries]
    paths: FloatArray
    observed: PathsById
    summing: Mapping[str, FloatArray] = field(repr=False)

    def weights(self, series: ResolvedSeries) -> FloatArray:
        """The sign with which each part counts in a series, shape (parts,)."""
        total: FloatArray = np.sum([part.sign * self.summing[part.unique_id] for part in series.parts], axis=0)
        return total

    def of(self, series: ResolvedSeries, paths: FloatArray) -> SeriesPaths:
        """A series with the draws that `paths` of the parts give it."""
        return self.with_draws(series, self.draws_of(series, paths))

    def draws_of(self, series: ResolvedSeries, paths: FloatArray) -> FloatArray:
        """The draws (draws, steps) of a series in `paths` of the parts."""
        weights = self.weights(series)
        used = np.flatnonzero(weights)
        found: FloatArray = np.tensordot(weights[used], paths[used], axes=1)
        return found

    def with_draws(self, series: ResolvedSeries, draws: FloatArray) -> SeriesPaths:
        """The observed months of a series with draws (draws, steps)."""
        known = self.observed[series.unique_id]
        return SeriesPaths(known.start, known.observed, known.joined, draws)


def read_joint_paths(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, named: Sequence[ResolvedSeries], first: int
) -> JointPaths:
    """The paths of a run, with the observed months of the `named` series from the month `first` on.

    Raises RunThinned.
    """
    retention.refuse_thinned(session, run.id)
    _, catalog = catalogs.of_run(session, run.id)
    structure = _structure(session, catalogs, run)
    place = {series.unique_id: series for series in catalog.stored}
    parts = [place[unique_id] for unique_id in structure.parts]
    paths = forecasts.paths(session, run.id, [part.parts[0].series_id for part in parts])
    observed = read_observed(session, run, named, first)
    return JointPaths(catalog, parts, paths.astype(np.float64), observed, structure.summing)


class _Structure(NamedTuple):
    """The series of a run that are no sums, and the weights of each series in them."""

    parts: Sequence[str]
    summing: Mapping[str, FloatArray]


def _structure(session: Session, catalogs: CatalogCache, run: PublishedRunRecord) -> _Structure:
    """The structure of a run, cached: finding it takes longer than reading the paths."""
    found: _Structure = catalogs.answers.get(("structure", run.id), partial(_find_structure, session, run))
    return found


def _find_structure(session: Session, run: PublishedRunRecord) -> _Structure:
    dataset = store_catalog.dataset(session, run.dataset_id)
    panel = Panel.from_long(split_combined(run_inputs.frame(session, run.id), dataset.reporter))
    hierarchy = find_hierarchy(panel)
    summing = dict(zip(panel.unique_ids, hierarchy.summing.toarray(), strict=True))
    return _Structure([panel.unique_ids[row] for row in hierarchy.bottom], summing)
