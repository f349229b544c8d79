"""Forecasts and actuals of each fold: folds of a series, and the largest misses.

Months of every forecaster are stored; quarters, years, and January with February of the combination.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.models import BacktestPeriod
from store.queries.backtests import RealArray, read_folds
from store.queries.releases import combined_januaries
from store.queries.retention import refuse_thinned

MONTH = "month"


def write_periods(
    session: Session,
    run_id: int,
    *,
    series_ids: ArrayLike,
    kind: str,
    cutoff: ArrayLike,
    step: int,
    spacing: int,
    means: RealArray,
    quantiles: RealArray,
    actuals: RealArray,
) -> int:
    """Store forecasts of the combination for the periods of one fold in the dataset's unit; return the number of rows.

    Shapes: `series_ids` (S,), `means` and `actuals` (S, periods), NaN where nothing is known, `quantiles` (S, P,
    periods). The first period ends `step` months after the cutoff, the others `spacing` months apart. A series without
    any mean is left out.
    """
    forecast = np.isfinite(means).any(axis=1)
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": np.asarray(series_ids)[forecast],
        "kind": kind,
        "cutoff": np.asarray(cutoff).astype("datetime64[M]"),
        "step": step,
        "spacing": spacing,
        "means": means[forecast],
        "quantiles": quantiles[forecast],
        "actuals": actuals[forecast],
    }
    return copy_arrays(session, BacktestPeriod, columns)


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
    found = [fold for _, fold in _scored_folds(session, run_id, [series_id], forecaster, kind)]
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
    for number, fold in _scored_folds(session, run_id, series_ids, forecaster, kind, since=since, until=until):
        found.setdefault(fold.cutoff, {})[number] = fold
    return found


def cutoffs(session: Session, run_id: int, series_id: int, *, forecaster: str, kind: str, limit: int) -> list[date]:
    """The folds that `page` gives, newest first."""
    found = _scored_folds(session, run_id, [series_id], forecaster, kind, with_quantiles=False)
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
    parameters = {
        **{"run": run_id, "series": list(series_ids), "forecaster": forecaster, "kind": kind},
        **{"first": steps[0], "last": steps[1], "lo": bounds[0] + 1, "hi": bounds[1] + 1},
        **{"combined": list(session.scalars(combined_januaries(run_id))), "limit": limit, "offset": offset},
    }
    rows = session.execute(_MONTH_MISSES if kind == MONTH else _PERIOD_MISSES, parameters).all()
    if not rows:
        refuse_thinned(session, run_id)
    return MissPage([Miss(*row[:-1]) for row in rows], rows[0][-1] if rows else 0)


def _misses_of(cells: str) -> sa.TextClause:
    """Of each series and period the forecast that was out by the most widths: the columns of Miss, and how many.

    `cells` selects series_id, cutoff, step, mean, lo, hi and actual: a row a forecast of a period.
    """
    # greatest() ignores NULL, so that an interval without width or actual is excluded here.
    return sa.text(f"""
        WITH missed AS (
            SELECT *, greatest(lo - actual, actual - hi) / (hi - lo) AS widths FROM ({cells}) AS cell
            WHERE step BETWEEN :first AND :last AND cutoff <> ALL (CAST(:combined AS date[]))
              AND hi > lo AND greatest(lo - actual, actual - hi) > 0 AND actual IS NOT NULL
        ), worst AS (
            SELECT DISTINCT ON (series_id, cutoff + make_interval(months => step)) * FROM missed
            ORDER BY series_id, cutoff + make_interval(months => step), widths DESC
        )
        SELECT series_id, cutoff, step, mean, lo, hi, actual, widths, count(*) OVER () FROM worst
        ORDER BY widths DESC, series_id, cutoff LIMIT :limit OFFSET :offset
    """)


# unnest() gives the values of several arrays side by side, in the order of folds and steps. Text has the digits that
# single precision knows, as other queries read them.
_MONTH_MISSES = _misses_of("""
    SELECT series_id, cutoffs[(place - 1) / steps + 1] AS cutoff, CAST((place - 1) % steps + 1 AS int) AS step,
           CAST(CAST(mean AS text) AS float8) AS mean, CAST(CAST(lo AS text) AS float8) AS lo,
           CAST(CAST(hi AS text) AS float8) AS hi, actual
    FROM backtest_forecast
    CROSS JOIN LATERAL (SELECT array_length(means, 2), CAST(:lo AS int), CAST(:hi AS int)) AS size (steps, low, high)
    CROSS JOIN LATERAL unnest(
        means, actuals, quantiles[:][low:low][:], quantiles[:][high:high][:]
    ) WITH ORDINALITY AS month (mean, actual, lo, hi, place)
    WHERE run_id = :run AND series_id = ANY(:series) AND forecaster = :forecaster
""")
_PERIOD_MISSES = _misses_of("""
    SELECT series_id, cutoff, CAST(step + (place - 1) * spacing AS int) AS step,
           CAST(CAST(mean AS text) AS float8) AS mean, CAST(CAST(lo AS text) AS float8) AS lo,
           CAST(CAST(hi AS text) AS float8) AS hi, actual
    FROM backtest_period
    CROSS JOIN (SELECT CAST(:lo AS int), CAST(:hi AS int)) AS bound (low, high)
    CROSS JOIN LATERAL unnest(
        means, actuals, quantiles[low:low][:], quantiles[high:high][:]
    ) WITH ORDINALITY AS period (mean, actual, lo, hi, place)
    WHERE run_id = :run AND series_id = ANY(:series) AND kind = :kind
""")


def _scored_folds(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    forecaster: str,
    kind: str,
    *,
    since: date | None = None,
    until: date | None = None,
    with_quantiles: bool = True,
) -> list[tuple[int, FoldForecast]]:
    """Folds with an actual, with the number of their series: by cutoff, oldest first, and by series.

    Without `with_quantiles` those of months are not read.
    """
    if kind == MONTH:
        folds = read_folds(
            session, run_id, series_ids, forecaster=forecaster, since=since, until=until, with_quantiles=with_quantiles
        )
        found = [
            (fold.series_id, FoldForecast(fold.cutoff, 1, 1, [*fold.means], fold.quantiles, fold.actuals))
            for fold in folds
        ]
    else:
        found = _periods(session, run_id, series_ids, kind, since or date.min, until or date.max)
    combined = set(session.scalars(combined_januaries(run_id)))
    scored = (pair for pair in found if pair[1].cutoff not in combined and _is_scored(pair[1]))
    return sorted(scored, key=lambda pair: (pair[1].cutoff, pair[0]))


def _is_scored(fold: FoldForecast) -> bool:
    """An actual is known: not so at the run's own cutoff."""
    return any(actual is not None for actual in fold.actuals)


def _periods(
    session: Session, run_id: int, series_ids: Sequence[int], kind: str, since: date, until: date
) -> list[tuple[int, FoldForecast]]:
    table = BacktestPeriod
    wanted = (
        *(col(table.run_id) == run_id, col(table.series_id).in_(series_ids), col(table.kind) == kind),
        col(table.cutoff).between(since, until),
    )
    columns = [col(getattr(table, name)) for name in FoldForecast._fields]
    rows = session.execute(sa.select(col(table.series_id), *columns).where(*wanted))
    return [(number, FoldForecast(*fields)) for number, *fields in rows]
