"""Data of the dataflows: series of a key, with their observations."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlmodel import Session

from api.sdmx.artefacts import COMMON, Dataflow, quantile_code
from api.sdmx.errors import UnreadableKey
from forecasting.config import LEVELS, interval_probabilities
from forecasting.data.months import format_month, months_after
from services.forecasts.forecasts import read_forecasts, statuses_of
from services.parameters import GREATEST_OFFSET
from services.queries.forecasts import RunForecastQuery
from services.runs.run_selection import latest_run, select_series
from services.series.catalog_cache import CatalogCache
from services.series.series_catalog import SeriesCatalog
from store.errors import NotStored, UnknownSeries
from store.models import ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import observations, revisions
from store.queries.revisions import RevisionSelection


class Observation(NamedTuple):
    """A month's value and the values of its attributes."""

    period: str
    value: float
    attributes: tuple[str, ...] = ()


class Series(NamedTuple):
    """The values of the dimensions and attributes of a series, and its observations by month."""

    key: tuple[str, ...]
    attributes: tuple[str, ...]
    observations: list[Observation]


class Selection(NamedTuple):
    """The selected codes of each dimension, None for all; months from `start` to `end`, as known on a day."""

    codes: tuple[frozenset[str] | None, ...]
    start: date | None
    end: date | None
    as_of: date | None

    def of(self, dimension: int) -> list[str] | None:
        """The selected codes of a dimension, in order."""
        codes = self.codes[dimension]
        return None if codes is None else sorted(codes)

    def has(self, dimension: int, code: str) -> bool:
        """Whether a code of a dimension is selected."""
        codes = self.codes[dimension]
        return codes is None or code in codes


def parse_key(flow: Dataflow, key: str) -> tuple[frozenset[str] | None, ...]:
    """The codes of each dimension in a key such as M.CN_TRADE.X..TOTAL; an empty position takes all.

    Raises UnreadableKey.
    """
    if key in ("", "all", "ALL"):
        return (None,) * len(flow.dimensions)
    positions = key.split(".")
    if len(positions) != len(flow.dimensions):
        raise UnreadableKey(key, flow.dimensions)
    return tuple(frozenset(position.split("+")) if position else None for position in positions)


def read_series(session: Session, catalogs: CatalogCache, flow: Dataflow, selection: Selection) -> Iterator[Series]:
    """Series of a dataflow in the order of their keys. Balances and groups are read where the key names them."""
    if not selection.has(0, "M"):
        return
    for dataset in store_catalog.datasets(session):
        if not selection.has(1, dataset.id):
            continue
        if flow.id == "FORECASTS":
            yield from _forecasts(session, catalogs, dataset.id, selection)
            continue
        _, catalog = catalogs.of_dataset(session, dataset.id)
        for series in _selected(catalog, selection):
            read = _observations if flow.id == "OBSERVATIONS" else _vintages
            yield from read(session, dataset.id, catalog.unit_of(series), series, selection)


def _selected(catalog: SeriesCatalog, selection: Selection) -> Sequence[ResolvedSeries]:
    flows, partners, sectors = (selection.of(dimension) for dimension in (2, 3, 4))
    try:
        return catalog.choose(flows=flows, partners=partners, sectors=sectors)
    except UnknownSeries:
        # Other datasets may have the codes; series of those that exist are returned.
        requested = zip((flows, partners, sectors), catalog.known, strict=True)
        known = [None if codes is None else [code for code in codes if code in there] for codes, there in requested]
        if any(codes == [] for codes in known):
            return []
        try:
            return catalog.choose(flows=known[0], partners=known[1], sectors=known[2])
        except UnknownSeries:
            return []


def _key(dataset: str, series: ResolvedSeries) -> tuple[str, ...]:
    return ("M", dataset, series.flow, series.partner, series.sector)


def _observations(
    session: Session, dataset: str, unit: str, series: ResolvedSeries, selection: Selection
) -> Iterator[Series]:
    start, end, as_of = selection.start, selection.end, selection.as_of
    rows = observations.values(session, [series], start=start, end=end, as_of=as_of).rows
    found = [Observation(format_month(row.month), row.value, (row.status,)) for row in rows]
    yield Series(_key(dataset, series), (unit,), found)


def _vintages(
    session: Session, dataset: str, unit: str, series: ResolvedSeries, selection: Selection
) -> Iterator[Series]:
    """A series for each vintage; derived series have none."""
    if series.derived:
        return
    as_of = selection.as_of or date.max
    wanted = RevisionSelection(
        [series.parts[0].series_id], selection.start or date.min, selection.end or date.max, as_of
    )
    by_vintage: dict[str, list[Observation]] = defaultdict(list)
    for row in revisions.vintages(session, wanted, 3, limit=GREATEST_OFFSET, offset=0).rows:
        by_vintage[str(row.vintage)].append(Observation(format_month(row.month), row.value, (row.status,)))
    for vintage in sorted(by_vintage):
        if selection.has(len(COMMON), vintage):
            yield Series((*_key(dataset, series), vintage), (unit,), by_vintage[vintage])


def _forecasts(session: Session, catalogs: CatalogCache, dataset: str, selection: Selection) -> Iterator[Series]:
    """Mean, median and stored quantiles of the latest run, a series each; no series where no run is published."""
    try:
        run = latest_run(session, dataset, selection.as_of)
    except NotStored:
        return
    _, catalog = catalogs.of_run(session, run.id)
    chosen = _selected(catalog, selection)
    if not chosen:
        return
    codes = {name: sorted({getattr(series, name) for series in chosen}) for name in ("flow", "partner", "sector")}
    query = RunForecastQuery.model_validate({**codes, "level": list(LEVELS)})
    selected = select_series(session, catalogs, run, query, GREATEST_OFFSET)
    months = months_after(run.cutoff, run.horizon)
    wanted = {format_month(selection.start) or "", format_month(selection.end) or "9999-99"}
    first, last = min(wanted), max(wanted)
    bounds = [interval_probabilities(level) for level in LEVELS]
    statuses = statuses_of(selected.coverage.statuses, selected.page)
    for series, rows in read_forecasts(session, run, selected, query, run.horizon):
        by_code: dict[str, list[Observation]] = defaultdict(list)
        for row in rows:
            month = months[row.step - 1]
            values = {"MEAN": row.mean, "MEDIAN": row.median}
            for (low, high), (lo, hi) in zip(bounds, row.bounds, strict=True):
                values |= {quantile_code(low): lo, quantile_code(high): hi}
            for code, value in values.items():
                if first <= month <= last and value is not None and selection.has(len(COMMON), code):
                    by_code[code].append(Observation(month, value))
        for code in sorted(by_code):
            status = statuses.get(series.unique_id, "")
            attributes = (catalog.unit_of(series), str(run.id), str(run.as_of), status)
            yield Series((*_key(dataset, series), code), attributes, by_code[code])
