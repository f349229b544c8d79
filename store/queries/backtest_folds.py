"""Forecasts and actuals of each fold: folds of a series, and the largest misses.

Months of every forecaster are stored; quarters, years, and January with February of the combination.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.models import BacktestForecast, BacktestPeriod
from store.queries.backtests import RealArray
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
    source = _source(run_id, [series_id], forecaster, kind)
    scored = _scored(source)
    total = session.execute(sa.select(sa.func.count()).select_from(source).where(scored)).scalar_one()
    if not total:
        refuse_thinned(session, run_id)
    query = sa.select(*(source.c[name] for name in FoldForecast._fields)).where(scored)
    rows = session.execute(query.order_by(source.c.cutoff.desc()).limit(limit).offset(offset))
    return FoldForecastPage([FoldForecast(*row) for row in rows], total)


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
    source = _source(run_id, series_ids, forecaster, kind)
    query = sa.select(source.c.series_id, *(source.c[name] for name in FoldForecast._fields)).where(_scored(source))
    query = query if since is None else query.where(source.c.cutoff >= since)
    query = query if until is None else query.where(source.c.cutoff <= until)
    found: dict[date, dict[int, FoldForecast]] = {}
    for number, *fields in session.execute(query.order_by(source.c.cutoff, source.c.series_id)):
        fold = FoldForecast(*fields)
        found.setdefault(fold.cutoff, {})[number] = fold
    return found


def cutoffs(session: Session, run_id: int, series_id: int, *, forecaster: str, kind: str, limit: int) -> list[date]:
    """The folds that `page` gives, newest first."""
    source = _source(run_id, [series_id], forecaster, kind)
    query = sa.select(source.c.cutoff).where(_scored(source)).order_by(source.c.cutoff.desc()).limit(limit)
    return list(session.execute(query).scalars())


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
    worst = _worst_of_each_period(_source(run_id, series_ids, forecaster, kind), steps, bounds)
    ordered = sa.select(worst, sa.func.count().over()).order_by(
        worst.c.widths.desc(), worst.c.series_id, worst.c.cutoff
    )
    rows = session.execute(ordered.limit(limit).offset(offset)).all()
    if not rows:
        refuse_thinned(session, run_id)
    return MissPage([Miss(*row[:-1]) for row in rows], rows[0][-1] if rows else 0)


def _worst_of_each_period(fold: sa.Subquery, steps: tuple[int, int], bounds: tuple[int, int]) -> sa.Subquery:
    """Of each series and period the forecast that was out by the most widths, with the columns of Miss."""
    place = sa.func.generate_series(1, sa.func.cardinality(fold.c.means)).table_valued("n").render_derived().lateral()
    n = place.c.n
    step = fold.c.step + (n - 1) * fold.c.spacing
    lo, hi = (fold.c.quantiles[bound + 1][n] for bound in bounds)
    outside = sa.func.greatest(lo - fold.c.actuals[n], fold.c.actuals[n] - hi)
    found: list[sa.ColumnElement[Any]] = [
        *(fold.c.series_id, fold.c.cutoff, step.label("step"), fold.c.means[n].label("mean")),
        *(lo.label("lo"), hi.label("hi"), fold.c.actuals[n].label("actual"), (outside / (hi - lo)).label("widths")),
    ]
    period = sa.extract("year", fold.c.cutoff) * 12 + sa.extract("month", fold.c.cutoff) + step
    # greatest() ignores NULL, so that an interval without width or actual is excluded here.
    missed = (fold.c.actuals[n].is_not(None), hi > lo, outside > 0, step.between(*steps))
    return (
        sa.select(*found)
        .join_from(fold, place, sa.true())
        .where(*missed)
        .ext(distinct_on(fold.c.series_id, period))
        .order_by(fold.c.series_id, period, sa.desc("widths"))
        .subquery()
    )


def _scored(source: sa.Subquery) -> sa.ColumnElement[bool]:
    """An actual is known."""
    known: sa.ColumnElement[bool] = sa.func.cardinality(sa.func.array_remove(source.c.actuals, sa.null())) > 0
    return known


def _source(run_id: int, series_ids: Sequence[int], forecaster: str, kind: str) -> sa.Subquery:
    """Folds of some series, each with the step of its first period and the months between periods."""
    monthly = kind == MONTH
    table: type[BacktestForecast] | type[BacktestPeriod] = BacktestForecast if monthly else BacktestPeriod
    columns = [col(getattr(table, name)) for name in ("series_id", "cutoff", "means", "quantiles", "actuals")]
    every_month = sa.literal(1)
    steps = [every_month, every_month] if monthly else [col(BacktestPeriod.step), col(BacktestPeriod.spacing)]
    which = col(BacktestForecast.forecaster) == forecaster if monthly else col(BacktestPeriod.kind) == kind
    wanted = (
        *(col(table.run_id) == run_id, col(table.series_id).in_(series_ids), which),
        col(table.cutoff).not_in(combined_januaries(run_id)),
    )
    return sa.select(*columns, steps[0].label("step"), steps[1].label("spacing")).where(*wanted).subquery()
