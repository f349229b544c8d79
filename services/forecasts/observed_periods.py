"""Observations in any unit and over any periods, by the arithmetic of forecasts; seasonal and calendar adjustment.

An observed series is a single path without months ahead, so that history and forecasts have the same definitions.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.period_draws import PeriodDraws, SeriesPaths, add_up
from forecasting.analysis.periods import Frequency, Period, periods_ahead
from forecasting.data.months import MONTHS_PER_YEAR, month_number
from forecasting.types import FloatArray
from services.forecasts.forecasts import BATCH_PARTS, batches, whole_of
from services.queries.catalog import Effect, ObservationQuery
from services.queries.forecasts import RunForecastQuery
from services.runs.run_selection import SelectedSeries
from services.series.series_catalog import SeriesCatalog, part_names
from services.series.series_paths import PathsById, computed_from, cutoff_number, draws_of, read_observed
from store.models import ResolvedSeries
from store.queries import decompositions, observations
from store.queries.decompositions import DecomposedSeries
from store.queries.observations import KnownMonth, MonthSpan
from store.queries.runs import PublishedRunRecord

COMPONENTS: Mapping[Effect, str] = {"seasonal": "season", "calendar": "calendar"}
"""Names of the effects in a stored decomposition."""
Wholes = Mapping[str, ResolvedSeries | None]
"""The totals of shares, by unique_id."""


class ObservedPeriod(NamedTuple):
    """The value of a period; None where there is none, and `reason` says why.

    `vintage` is the latest of its months', `status` the last in the alphabet, as for a group; None without a month.
    """

    period: Period
    value: float | None
    reason: str | None
    status: str | None = None
    vintage: date | None = None
    backfilled: bool = False


class ObservedPage(NamedTuple):
    """Some periods of a longer list, by series, and its length."""

    rows: Iterator[tuple[ResolvedSeries, ObservedPeriod]]
    total: int


def observed_periods(
    session: Session,
    catalog: SeriesCatalog,
    selected: Sequence[ResolvedSeries],
    query: ObservationQuery,
    *,
    run: PublishedRunRecord | None,
    limit: int,
) -> ObservedPage:
    """The periods of series as known on a day; `query.adjusted` are removed as `run` has found them. Raises NoWhole."""
    wholes = {resolved.unique_id: whole_of(catalog, resolved, query.whole) for resolved in selected}
    spans = observations.month_spans(session, list(part_names(selected)), as_of=query.as_of)
    found = [(resolved, _between(*_common_span(resolved, spans), query)) for resolved in selected]
    page = _page(found, query.offset, limit)
    return ObservedPage(_rows(session, page, wholes, query, run), sum(len(periods) for _, periods in found))


def observed_history(
    session: Session, run: PublishedRunRecord, series: SelectedSeries, query: RunForecastQuery
) -> Iterator[list[ObservedPeriod]]:
    """The periods that a run observed of each series of a page, in the units and the frequency of its forecasts."""
    wholes = {resolved.unique_id: whole_of(series.catalog, resolved, query.whole) for resolved in series.page}
    for batch in batches(series.page, BATCH_PARTS):
        paths = read_observed(session, run, _with_wholes(batch, wholes))
        for resolved in batch:
            periods = _since_first_value(resolved, paths, cutoff_number(run), query.frequency)
            drawn = draws_of(query.units, resolved, paths, periods, wholes[resolved.unique_id])
            yield [ObservedPeriod(*row) for row in _values(drawn, periods)]


def _since_first_value(series: ResolvedSeries, paths: PathsById, last: int, frequency: Frequency) -> list[Period]:
    terms = [paths[term.unique_id] for term in computed_from([series])]
    known = np.flatnonzero(np.all([np.isfinite(term.observed) for term in terms], axis=0))
    first = terms[0].start + int(known[0]) if len(known) else last + 1
    return periods_ahead(first - 1, last - first + 1, frequency)


def _common_span(series: ResolvedSeries, spans: Mapping[int, MonthSpan]) -> tuple[int, int]:
    """The first and the last month that every part of a series has; the last comes first where there is none."""
    if any(part.series_id not in spans for part in series.parts):
        return 0, -1
    parts = [spans[part.series_id] for part in series.parts]
    first, last = max(part.first for part in parts), min(part.last for part in parts)
    return month_number(first.year, first.month), month_number(last.year, last.month)


def _between(first: int, last: int, query: ObservationQuery) -> tuple[Period, ...]:
    start, end = (day and month_number(day.year, day.month) for day in (query.start, query.end))
    return _periods(first, last, query.frequency, start or 0, last if end is None else end)


@lru_cache(maxsize=256)
def _periods(first: int, last: int, frequency: Frequency, start: int, end: int) -> tuple[Period, ...]:
    """Periods that end from month `first` to `last` and lie between `start` and `end`."""
    found = periods_ahead(first - 1, max(last - first + 1, 0), frequency)
    return tuple(period for period in found if period.first >= start and period.last <= end)


def _page(
    found: Sequence[tuple[ResolvedSeries, Sequence[Period]]], offset: int, limit: int
) -> list[tuple[ResolvedSeries, Sequence[Period]]]:
    """The series and periods that hold rows `offset` to `offset + limit`."""
    page, before = [], 0
    for resolved, periods in found:
        wanted = periods[max(offset - before, 0) : max(offset + limit - before, 0)]
        if wanted:
            page.append((resolved, wanted))
        before += len(periods)
    return page


def _rows(
    session: Session,
    page: Sequence[tuple[ResolvedSeries, Sequence[Period]]],
    wholes: Wholes,
    query: ObservationQuery,
    run: PublishedRunRecord | None,
) -> Iterator[tuple[ResolvedSeries, ObservedPeriod]]:
    wanted = {resolved.unique_id: periods for resolved, periods in page}
    for batch in batches([resolved for resolved, _ in page], BATCH_PARTS):
        needed = _with_wholes(batch, wholes)
        known = _read_known(session, needed, query, run)
        paths = {resolved.unique_id: known.paths(resolved) for resolved in needed}
        for resolved in batch:
            periods = wanted[resolved.unique_id]
            drawn = draws_of(query.units, resolved, paths, periods, wholes[resolved.unique_id])
            for period, value, reason in _values(drawn, periods):
                why = reason and known.reason(resolved, reason)
                yield resolved, ObservedPeriod(period, value, why, *known.facts(resolved, period))


def _with_wholes(batch: Sequence[ResolvedSeries], wholes: Wholes) -> list[ResolvedSeries]:
    """The series that a batch and its totals are computed from."""
    totals = [whole for resolved in batch if (whole := wholes[resolved.unique_id]) is not None]
    return computed_from([*batch, *totals])


def _values(drawn: PeriodDraws, periods: Sequence[Period]) -> Iterator[tuple[Period, float | None, str | None]]:
    """Each period with its value, of the single path, or the reason why it has none."""
    for period, value, reason in zip(periods, drawn.values[0].tolist(), drawn.reasons, strict=True):
        yield period, None if reason else value, reason and reason.replace(" in 1 of 1 draws", "")


class KnownMonths(NamedTuple):
    """The known months of stored series from month `start` on, and the effects to remove, by number of series.

    `factors` are the divisors of the months' values, None where a series has no decomposition.
    """

    start: int
    length: int
    rows: Mapping[int, Sequence[KnownMonth]]
    factors: Mapping[int, FloatArray | None]
    run_id: int | None

    def paths(self, series: ResolvedSeries) -> SeriesPaths:
        """A series as one path without months ahead; a group is the sum of its adjusted parts."""
        parts = [self._part(part.series_id) for part in series.parts]
        return add_up(parts, [part.sign for part in series.parts])

    def reason(self, series: ResolvedSeries, reason: str) -> str:
        """The reason for a missing value, where that may be a missing decomposition."""
        missing = [part for part in series.parts if self.factors.get(part.series_id, ()) is None]
        if missing:
            return f"{missing[0].unique_id} has no decomposition in run {self.run_id}"
        return reason.replace("not observed", "not decomposed") if self.factors else reason

    def facts(self, series: ResolvedSeries, period: Period) -> tuple[str | None, date | None, bool]:
        """Status, vintage, and whether a value is backfilled, of a period's months."""
        first, last = period.first - self.start, period.last - self.start
        rows = [row for part in series.parts for row in self.rows[part.series_id] if first <= self._place(row) <= last]
        if not rows:
            return None, None, False
        return max(row.status for row in rows), max(row.vintage for row in rows), any(row.backfilled for row in rows)

    def _part(self, series_id: int) -> SeriesPaths:
        values, joined = np.full(self.length, np.nan), np.zeros(self.length, dtype=bool)
        for row in self.rows[series_id]:
            place = self._place(row)
            # A February published with its January: each has half of it.
            values[place - row.months + 1 : place + 1] = row.value / row.months
            joined[place] = row.months > 1
        if series_id in self.factors:
            factors = self.factors[series_id]
            values = values * np.nan if factors is None else values / factors
        return SeriesPaths(self.start, values, joined, np.zeros((1, 0), dtype=np.float32))

    def _place(self, row: KnownMonth) -> int:
        return month_number(row.month.year, row.month.month) - self.start


def _read_known(
    session: Session, selected: Sequence[ResolvedSeries], query: ObservationQuery, run: PublishedRunRecord | None
) -> KnownMonths:
    ids = list(part_names(selected))
    rows: dict[int, list[KnownMonth]] = {series_id: [] for series_id in ids}
    for row in observations.known_months(session, ids, as_of=query.as_of):
        rows[row.series_id].append(row)
    months = [month_number(row.month.year, row.month.month) for found in rows.values() for row in found]
    # The month before the first, which a February may hold.
    start, length = min(months) - 1, max(months) - min(months) + 2
    factors: dict[int, FloatArray | None] = {}
    if run is not None:
        found = decompositions.of_series(session, run.id, ids)
        factors = {series_id: _factors(found.get(series_id), query.adjusted, start, length) for series_id in ids}
    return KnownMonths(start, length, rows, factors, run and run.id)


def _factors(
    decomposed: DecomposedSeries | None, effects: Sequence[Effect], start: int, length: int
) -> FloatArray | None:
    """The product of the effects' factors by month, NaN outside the decomposition; None without one."""
    if decomposed is None:
        return None
    shift = decomposed.start.year * MONTHS_PER_YEAR + decomposed.start.month - 1 - start
    found = np.full(length, np.nan)
    shares = [np.array(decomposed.values[COMPONENTS[effect]], dtype=np.float64) for effect in effects]
    product = np.prod([1 + share for share in shares], axis=0)
    first, last = max(shift, 0), min(shift + len(product), length)
    found[first:last] = product[first - shift : last - shift]
    return found
