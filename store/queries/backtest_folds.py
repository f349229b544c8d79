"""Forecasts and actuals of each fold: folds of a series, and the largest misses.

Months of every forecaster are stored; quarters, years, and January with February of the combination.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sqlmodel import Session

from store import grids
from store.binary_copy import copy_arrays
from store.models import BacktestPeriod
from store.queries import fold_arrays
from store.queries.backtests import RealArray, listed
from store.queries.fold_arrays import SeriesFolds
from store.queries.releases import combined_januaries
from store.queries.retention import refuse_thinned

MONTH = "month"


class PeriodFold(NamedTuple):
    """Forecasts of every series for the periods of one kind after a cutoff, the first of which ends `step` months on.

    Shapes: `means` and `actuals` (S, periods), NaN where nothing is known, `quantiles` (S, P, periods).
    """

    cutoff: np.datetime64
    step: int
    means: RealArray
    quantiles: RealArray
    actuals: RealArray


def write_periods(
    session: Session, run_id: int, *, series_ids: ArrayLike, kind: str, spacing: int, folds: Sequence[PeriodFold]
) -> int:
    """Store forecasts of the combination for the periods of a kind in the dataset's unit; return the number of rows.

    The periods of a fold end `spacing` months apart. A series without any mean is left out.
    """
    means, quantiles, actuals = (
        _over_folds([getattr(fold, name) for fold in folds]) for name in ("means", "quantiles", "actuals")
    )
    forecast = np.isfinite(means).any(axis=(1, 2))
    count = int(forecast.sum())
    about = {
        "cutoffs": np.array([fold.cutoff for fold in folds], dtype="datetime64[M]"),
        "steps": np.array([fold.step for fold in folds]),
        "lengths": np.array([fold.means.shape[-1] for fold in folds]),
    }
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": np.asarray(series_ids)[forecast],
        "kind": kind,
        "spacing": spacing,
        **{name: np.tile(values, (count, 1)) for name, values in about.items()},
        "means": grids.encode(means[forecast]).reshape(count, -1),
        "quantiles": grids.encode(quantiles[forecast].reshape(count, len(folds), -1)).reshape(count, -1),
        "actuals": actuals[forecast],
    }
    return copy_arrays(session, BacktestPeriod, columns)


def _over_folds(values: Sequence[RealArray]) -> RealArray:
    """Arrays of single folds, (S, ..., periods), as one, (S, folds, ..., periods), with NaN where one is shorter."""
    most = max(array.shape[-1] for array in values)
    ends = [[(0, 0)] * (array.ndim - 1) + [(0, most - array.shape[-1])] for array in values]
    return np.stack(
        [np.pad(array, end, constant_values=np.nan) for array, end in zip(values, ends, strict=True)], axis=1
    )


class FoldForecast(NamedTuple):
    """One forecaster's forecast of a series at one fold, its periods as lists.

    The first period ends `step` months after the cutoff, the others `spacing` months apart.
    """

    cutoff: date
    step: int
    spacing: int
    means: list[float | None]
    quantiles: list[list[float | None]] | None
    actuals: list[float | None]


class _Query(NamedTuple):
    """Which folds are read: of some series and one forecaster, with cutoffs from `since` to `until`.

    Without `with_quantiles` those of months are not read.
    """

    run_id: int
    series_ids: Sequence[int]
    forecaster: str
    kind: str
    since: date = date.min
    until: date = date.max
    with_quantiles: bool = True


class FoldForecastPage(NamedTuple):
    """Some tracks, newest cutoff first, and how many there are in all."""

    rows: list[FoldForecast]
    total: int


def page(
    session: Session,
    run_id: int,
    series_id: int,
    *,
    forecaster: str,
    kind: str = MONTH,
    limit: int,
    offset: int = 0,
) -> FoldForecastPage:
    """Forecasts of one series at each fold that has an actual, newest first; of periods, the combination's."""
    found = [fold for _, fold in _scored_folds(session, _Query(run_id, [series_id], forecaster, kind))]
    if not found:
        refuse_thinned(session, run_id)
    return FoldForecastPage(found[::-1][offset : offset + limit], len(found))


def by_cutoff(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    *,
    forecaster: str,
    kind: str = MONTH,
    since: date | None = None,
    until: date | None = None,
) -> dict[date, dict[int, FoldForecast]]:
    """Forecasts of several series by cutoff, oldest first, and by series, at folds that have an actual.

    `since` and `until` bound the cutoffs.
    """
    found: dict[date, dict[int, FoldForecast]] = {}
    query = _Query(run_id, series_ids, forecaster, kind, since or date.min, until or date.max)
    for number, fold in _scored_folds(session, query):
        found.setdefault(fold.cutoff, {})[number] = fold
    return found


def cutoffs(session: Session, run_id: int, series_id: int, *, forecaster: str, kind: str, limit: int) -> list[date]:
    """The folds that `page` gives, newest first."""
    found = _scored_folds(session, _Query(run_id, [series_id], forecaster, kind, with_quantiles=False))
    return [fold.cutoff for _, fold in found[::-1][:limit]]


class Miss(NamedTuple):
    """An actual outside its interval, in the dataset's unit, with its distance in interval widths."""

    series_id: int
    cutoff: date
    step: int
    mean: float
    lo: float
    hi: float
    actual: float
    widths: float


class MissPage(NamedTuple):
    """Some misses, the worst first, and how many there are in all."""

    rows: list[Miss]
    total: int


def misses(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    *,
    forecaster: str,
    kind: str = MONTH,
    steps: tuple[int, int],
    bounds: tuple[int, int],
    limit: int,
    offset: int = 0,
) -> MissPage:
    """Periods of some series with actuals outside their interval, the largest distance in interval widths first.

    `steps` are the first and the last step, in months, of a period's end; a period that several folds missed is listed
    by the worst. `bounds` are the places of the interval's two probabilities among those stored.
    """
    combined = set(session.scalars(combined_januaries(run_id)))
    worst: dict[tuple[int, int], Miss] = {}
    for folds in _folds(session, _Query(run_id, series_ids, forecaster, kind)):
        for miss in _missed(folds, steps, bounds):
            target = miss.series_id, 12 * miss.cutoff.year + miss.cutoff.month + miss.step
            if miss.cutoff not in combined and (target not in worst or miss.widths > worst[target].widths):
                worst[target] = miss
    if not worst:
        refuse_thinned(session, run_id)
    ordered = sorted(worst.values(), key=lambda miss: (-miss.widths, miss.series_id, miss.cutoff))
    return MissPage(ordered[offset : offset + limit], len(ordered))


def _missed(folds: SeriesFolds, steps: tuple[int, int], bounds: tuple[int, int]) -> Iterator[Miss]:
    """The actuals of a series outside their interval, an interval without width apart."""
    if folds.quantiles is None:
        return
    lo, hi = (folds.quantiles[:, place] for place in bounds)
    ends = np.array(folds.steps)[:, None] + folds.spacing * np.arange(lo.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        widths = np.maximum(lo - folds.actuals, folds.actuals - hi) / (hi - lo)
    found = (hi > lo) & (widths > 0) & (ends >= steps[0]) & (ends <= steps[1])
    for fold, place in zip(*np.nonzero(found), strict=True):
        values = (float(array[fold, place]) for array in (folds.means, lo, hi, folds.actuals, widths))
        yield Miss(folds.series_id, folds.cutoffs[fold], int(ends[fold, place]), *values)


def _scored_folds(session: Session, query: _Query) -> list[tuple[int, FoldForecast]]:
    """Folds with an actual, with the number of their series: by cutoff, oldest first, and by series."""
    combined = set(session.scalars(combined_januaries(query.run_id)))
    found = [
        (folds.series_id, FoldForecast(cutoff, folds.steps[place], folds.spacing, *_fold(folds, place)))
        for folds in _folds(session, query)
        for place, cutoff in enumerate(folds.cutoffs)
        if cutoff not in combined and _is_scored(folds, place)
    ]
    return sorted(found, key=lambda pair: (pair[1].cutoff, pair[0]))


def _is_scored(folds: SeriesFolds, place: int) -> bool:
    """A forecast and an actual are known: not so at the run's own cutoff."""
    return bool(np.isfinite(folds.means[place]).any() and np.isfinite(folds.actuals[place]).any())


def _fold(
    folds: SeriesFolds, place: int
) -> tuple[list[float | None], list[list[float | None]] | None, list[float | None]]:
    """Means, quantiles and actuals of one fold."""
    length = folds.lengths[place]
    quantiles = folds.quantiles
    bounds = None if quantiles is None else [listed(row) for row in quantiles[place, :, :length]]
    return listed(folds.means[place, :length]), bounds, listed(folds.actuals[place, :length])


def _folds(session: Session, query: _Query) -> Iterator[SeriesFolds]:
    """Stored folds of the kind of period and the cutoffs of a query; of periods, the combination's."""
    read = fold_arrays.months if query.kind == MONTH else partial(fold_arrays.periods, kind=query.kind)
    for folds in read(
        session,
        query.run_id,
        query.series_ids,
        forecaster=query.forecaster,
        with_quantiles=query.with_quantiles,
    ):
        yield folds.between(query.since, query.until)
