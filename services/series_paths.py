"""Series asked for as outlooks: their last observed months and their joint paths, groups and balances added up."""

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
"""Outlooks by unique_id."""


def cutoff_number(run: PublishedRunRecord) -> int:
    """The last month that a run has seen, as a number."""
    return month_number(run.cutoff.year, run.cutoff.month)


def read_series_paths(
    session: Session, run: PublishedRunRecord, chosen: Sequence[ResolvedSeries], months: tuple[int, int]
) -> PathsById:
    """Outlooks of some series, in the dataset's unit, for answers that rest on the months from first to last."""
    cutoff, (first, last) = cutoff_number(run), months
    start = min(first, cutoff + 1)
    ids = sorted({part.series_id for one in chosen for part in one.parts})
    paths = forecasts.paths(session, run.id, ids)[:, :, : max(last - cutoff, 0)]
    seen = recent(session, run.id, ids, first=_first_day(start), last=_first_day(cutoff))
    stored = {
        series_id: SeriesPaths(start, seen.values[row], seen.joined[row], paths[row])
        for row, series_id in enumerate(ids)
    }
    return {one.unique_id: _outlook(one, stored) for one in chosen}


def _outlook(one: ResolvedSeries, stored: Mapping[int, SeriesPaths]) -> SeriesPaths:
    if not one.derived:
        return stored[one.parts[0].series_id]
    return add_up([stored[part.series_id] for part in one.parts], [part.sign for part in one.parts])


def _first_day(number: int) -> date:
    return date(number // MONTHS_PER_YEAR, number % MONTHS_PER_YEAR + 1, 1)
