"""Last observed months and joint paths of series, groups and balances."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sqlmodel import Session

from forecasting.analysis.period_draws import PeriodDraws, SeriesPaths, Units, add_up, period_draws, ratio_draws
from forecasting.analysis.periods import Period
from forecasting.data.months import first_day, month_number
from store.models import ResolvedSeries
from store.queries import forecasts
from store.queries.run_inputs import first_month, recent
from store.queries.runs import PublishedRunRecord

PathsById = Mapping[str, SeriesPaths]
"""Observed months and joint paths by unique_id."""
ReadPaths = Callable[[Sequence[ResolvedSeries], tuple[int, int]], PathsById]
"""Reads series for answers about the months from first to last."""


def computed_from(selected: Sequence[ResolvedSeries]) -> list[ResolvedSeries]:
    """The series that the selected ones are computed from, each once: a unit value from value and quantity."""
    terms = [term for resolved in selected for term in (resolved.terms if resolved.multiple else (resolved,))]
    return list({term.unique_id: term for term in terms}.values())


def draws_of(
    units: Units,
    series: ResolvedSeries,
    paths: PathsById,
    periods: Sequence[Period],
    whole: ResolvedSeries | None = None,
) -> PeriodDraws:
    """Draws of a series over periods; of a unit value, the ratio of two sums. A share or contribution is of `whole`."""
    if series.multiple:
        value, quantity = (paths[term.unique_id] for term in series.terms)
        return ratio_draws(units, value, quantity, periods, series.multiple)
    return period_draws(units, paths[series.unique_id], periods, paths[whole.unique_id] if whole else None)


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
    seen = recent(session, run.id, ids, first=first_day(start), last=first_day(cutoff))
    stored = {
        series_id: SeriesPaths(start, seen.values[row], seen.joined[row], paths[row])
        for row, series_id in enumerate(ids)
    }
    return {resolved.unique_id: _paths(resolved, stored) for resolved in selected}


def read_observed(
    session: Session, run: PublishedRunRecord, selected: Sequence[ResolvedSeries], since: int | None = None
) -> PathsById:
    """The months that the run observed of series, in the dataset's unit, as a single path with no month ahead.

    From the month `since` on; by default all of them.
    """
    cutoff = cutoff_number(run)
    ids = sorted({part.series_id for resolved in selected for part in resolved.parts})
    start = min(_first_observed(session, run, ids) if since is None else since, cutoff + 1)
    seen = recent(session, run.id, ids, first=first_day(start), last=first_day(cutoff))
    ahead = np.zeros((1, 0), dtype=np.float32)
    stored = {
        series_id: SeriesPaths(start, seen.values[row], seen.joined[row], ahead) for row, series_id in enumerate(ids)
    }
    return {resolved.unique_id: _paths(resolved, stored) for resolved in selected}


def _first_observed(session: Session, run: PublishedRunRecord, ids: Sequence[int]) -> int:
    """The first month that a run has observed of any series; the one after the cutoff if there is none."""
    first = first_month(session, run.id, ids)
    return cutoff_number(run) + 1 if first is None else month_number(first.year, first.month)


def _paths(series: ResolvedSeries, stored: Mapping[int, SeriesPaths]) -> SeriesPaths:
    if not series.derived:
        return stored[series.parts[0].series_id]
    return add_up([stored[part.series_id] for part in series.parts], [part.sign for part in series.parts])
