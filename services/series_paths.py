"""Last observed months and joint paths of series, groups and balances."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlmodel import Session

from forecasting.analysis.period_draws import SeriesPaths, add_up
from forecasting.data.months import MONTHS_PER_YEAR, month_number
from store.models import ResolvedSeries
from store.queries import forecasts
from store.queries.run_inputs import recent
from store.queries.runs import PublishedRunRecord

PathsById = Mapping[str, SeriesPaths]
"""Observed months and joint paths by unique_id."""


def cutoff_number(run: PublishedRunRecord) -> int:
    """The last month that a run has observed, as a number."""
    assert run.cutoff is not None
    return month_number(run.cutoff.year, run.cutoff.month)


def read_series_paths(
    session: Session, run: PublishedRunRecord, selected: Sequence[ResolvedSeries], months: tuple[int, int]
) -> PathsById:
    """Observed months and joint paths of series, in the dataset's unit, for answers about months from first to last."""
    cutoff, (first, last) = cutoff_number(run), months
    start = min(first, cutoff + 1)
    ids = sorted({part.series_id for resolved in selected for part in resolved.parts})
    paths = forecasts.paths(session, run.id, ids)[:, :, : max(last - cutoff, 0)]
    seen = recent(session, run.id, ids, first=_first_day(start), last=_first_day(cutoff))
    stored = {
        series_id: SeriesPaths(start, seen.values[row], seen.joined[row], paths[row])
        for row, series_id in enumerate(ids)
    }
    return {resolved.unique_id: _paths(resolved, stored) for resolved in selected}


def _paths(series: ResolvedSeries, stored: Mapping[int, SeriesPaths]) -> SeriesPaths:
    if not series.derived:
        return stored[series.parts[0].series_id]
    return add_up([stored[part.series_id] for part in series.parts], [part.sign for part in series.parts])


def _first_day(number: int) -> date:
    return date(number // MONTHS_PER_YEAR, number % MONTHS_PER_YEAR + 1, 1)
