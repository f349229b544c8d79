"""Forecasts and scores of a run's backtest."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from math import isnan
from typing import Literal, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from sqlmodel import Session

from store import grids
from store.binary_copy import copy_arrays
from store.models import BacktestForecast
from store.queries import fold_arrays, score_arrays
from store.queries.fold_arrays import FloatArray
from store.queries.retention import refuse_thinned
from store.queries.score_arrays import Entry, Scores

RealArray = NDArray[np.float32] | NDArray[np.float64]


def write(
    session: Session,
    run_id: int,
    *,
    series_ids: ArrayLike,
    forecasters: Sequence[str],
    cutoffs: ArrayLike,
    means: RealArray,
    actuals: RealArray,
    quantiles: RealArray,
) -> int:
    """Store a run's backtest in the dataset's unit; gives how many forecasts of folds were written.

    Shapes: `series_ids` (S,), `forecasters` (F,), `cutoffs` (C,) datetime64, `means` (S, F, C, H), NaN where a
    forecaster gave none, `actuals` (S, C, H), NaN where the month is yet to come, `quantiles` (S, F, C, P, H), NaN
    throughout where there are none.
    """
    is_forecast = np.all(np.isfinite(means), axis=-1)
    stored = np.any(is_forecast, axis=(1, 2))
    count = int(stored.sum())
    has_quantiles = np.any(np.isfinite(quantiles), axis=(0, 2, 3, 4))
    when = np.asarray(cutoffs).astype("datetime64[M]")
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": np.asarray(series_ids)[stored],
        "cutoffs": np.tile(when, (count, 1)),
        "actuals": actuals[stored],
        "forecasters": json.dumps([*forecasters]),
        "with_quantiles": json.dumps([name for name, has in zip(forecasters, has_quantiles, strict=True) if has]),
        "means": grids.encode(np.where(is_forecast[..., None], means, np.nan)[stored]).reshape(count, -1),
        "quantiles": grids.encode(_fold_rows(quantiles[stored][:, has_quantiles])).reshape(count, -1),
    }
    copy_arrays(session, BacktestForecast, columns)
    return int(is_forecast.sum())


def _fold_rows(quantiles: RealArray) -> RealArray:
    """The probabilities of a fold side by side, (..., P, H) as (..., P x H)."""
    return quantiles.reshape(*quantiles.shape[:-2], quantiles.shape[-2] * quantiles.shape[-1])


class Folds(NamedTuple):
    """The scored folds of a run: how many, and the first and the last cutoff."""

    number: int
    first: date | None
    last: date | None


def folds(session: Session, run_id: int, series_ids: Sequence[int]) -> Folds:
    """Folds of some series that have an actual to be scored on. Raises RunThinned."""
    found = Folds(*session.execute(_SCORED_FOLDS, {"run": run_id, "series": list(series_ids)}).one())
    if not found.number:
        refuse_thinned(session, run_id)
    return found


_SCORED_FOLDS = sa.text("""
    SELECT count(DISTINCT cutoff), min(cutoff), max(cutoff)
    FROM backtest_forecast
    CROSS JOIN LATERAL (
        SELECT DISTINCT cutoffs[(place - 1) / array_length(actuals, 2) + 1] AS cutoff
        FROM unnest(actuals) WITH ORDINALITY AS month (actual, place) WHERE actual IS NOT NULL
    ) AS scored
    WHERE run_id = :run AND series_id = ANY(:series)
""")

By = Literal["step", "forecaster", "series"]


class ScoreRow(NamedTuple):
    """A metric averaged over series, beside the baseline's over the same series.

    `series_id` is None unless by series; `n` counts the scored forecasts, `series` the series averaged over.
    """

    series_id: int | None
    forecaster: str
    step: int
    metric: str
    level: float
    value: float
    baseline: float | None
    n: int
    series: int


def scores(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    *,
    by: By,
    kind: str,
    forecaster: str,
    baseline: str,
) -> list[ScoreRow]:
    """Mean scores over series of a kind of period: a row a step, a forecaster or a series; the latter pool steps."""
    names = None if by == "forecaster" else (forecaster, baseline)
    found = score_arrays.read(
        session,
        run_id,
        series_ids,
        lambda entry: entry.kind == kind and (names is None or entry.forecaster in names),
        steps=slice(1, None) if by == "step" else slice(1),
    )
    if not found.entries:
        refuse_thinned(session, run_id)
    first = 1 if by == "step" else 0
    rows = _by_series(found, baseline) if by == "series" else _over_series(found, baseline, first)
    chosen = (row for row in rows if names is None or row.forecaster == forecaster)
    return sorted(chosen, key=lambda row: (row.series_id or 0, *row[1:5]))


def _by_series(found: Scores, baseline: str) -> Iterator[ScoreRow]:
    """A row for each series and entry, of the first step read."""
    beside = found.beside(baseline)
    for row, place in zip(*np.nonzero(found.n[:, :, 0]), strict=True):
        entry, value, other = found.entries[place], found.value[row, place, 0], beside[row, place, 0]
        n = int(found.n[row, place, 0])
        yield _score_row(found.series_ids[row], entry, 0, (value, other), n, 1)


def _over_series(found: Scores, baseline: str, first: int) -> Iterator[ScoreRow]:
    """A row for each entry and step; the baseline's mean is over the same series."""
    value, other = _mean(found.value), _mean(found.beside(baseline))
    n, series = found.n.sum(axis=0), (found.n > 0).sum(axis=0)
    for place, step in zip(*np.nonzero(n), strict=True):
        cell = place, step
        means = value[cell], other[cell]
        yield _score_row(None, found.entries[place], first + int(step), means, int(n[cell]), int(series[cell]))


def _score_row(
    series_id: int | None, entry: Entry, step: int, means: tuple[float, float], n: int, series: int
) -> ScoreRow:
    value, other = map(float, means)
    beside = None if isnan(other) else other
    return ScoreRow(series_id, entry.forecaster, step, entry.metric, entry.level, value, beside, n, series)


def _mean(values: FloatArray) -> FloatArray:
    """Means over series that have a value, NaN where none has."""
    count = np.isfinite(values).sum(axis=0)
    means = np.full(count.shape, np.nan)
    np.divide(np.nansum(values, axis=0), count, out=means, where=count > 0)
    return means


class FoldMeans(NamedTuple):
    """Forecasts of one forecaster for a series at a cutoff, by step; an actual is None if not yet observed."""

    series_id: int
    forecaster: str
    cutoff: date
    means: list[float]
    actuals: list[float | None]


def fold_means(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    *,
    forecaster: str | None = None,
    cutoff: date | None = None,
) -> list[FoldMeans]:
    """Means of one forecaster or of all, at one cutoff or at all (the run's own among them), oldest cutoff first."""
    stored = fold_arrays.months(session, run_id, series_ids, forecaster=forecaster)
    folds = (fold.between(cutoff or date.min, cutoff or date.max) for fold in stored)
    found = [
        FoldMeans(fold.series_id, fold.forecaster, when, mean, listed(actual))
        for fold in folds
        for when, mean, actual in zip(fold.cutoffs, fold.means.tolist(), fold.actuals, strict=True)
        if not isnan(mean[0])
    ]
    return sorted(found, key=lambda fold: (fold.cutoff, fold.forecaster, fold.series_id))


def listed(values: FloatArray) -> list[float | None]:
    """Numbers with None for NaN."""
    return [None if isnan(value) else value for value in values.tolist()]
