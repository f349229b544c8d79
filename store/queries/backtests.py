"""Forecasts and scores of a run's backtest."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from sqlmodel import Session

from store.binary_copy import copy_arrays
from store.models import BacktestForecast, Score
from store.queries.retention import refuse_thinned

RealArray = NDArray[np.float32] | NDArray[np.float64]
SCORES_BY_STEP = """(
    SELECT run_id, series_id, forecaster, kind, metric, levels[(place - 1) / array_length(values, 2) + 1] AS level,
           CAST((place - 1) % array_length(values, 2) AS int) AS step, CAST(value AS float8) AS value,
           CAST(n AS int) AS n
    FROM score, ROWS FROM (unnest(values), unnest(counts)) WITH ORDINALITY AS cell (value, n, place)
    WHERE n > 0
)"""
"""A row for each level and step of `score`, for queries to select from; step 0 pools all steps."""


class MetricScores(NamedTuple):
    """A metric of one forecaster and one kind of period, for every series.

    `value` and `n`, the number of forecasts scored, have shape (series, levels, 1 + steps): the first step pools all.
    """

    forecaster: str
    kind: str
    metric: str
    levels: Sequence[float]
    value: RealArray
    n: NDArray[np.int32]


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
    ids, when = np.asarray(series_ids), np.asarray(cutoffs).astype("datetime64[M]")
    is_forecast = np.isfinite(means).all(axis=-1, keepdims=True)
    known = np.where(is_forecast, means, np.nan)
    forecast = np.isfinite(known).any(axis=(-2, -1))
    with_intervals = forecast & np.isfinite(quantiles).any(axis=(-3, -2, -1))
    for chosen, has_quantiles in ((with_intervals, True), (forecast & ~with_intervals, False)):
        row, forecaster = np.nonzero(chosen)
        columns: dict[str, ArrayLike] = {
            "run_id": run_id,
            "series_id": ids[row],
            "forecaster": np.asarray(forecasters)[forecaster],
            "cutoffs": np.tile(when, (len(row), 1)),
            "means": known[chosen],
            "actuals": actuals[row],
        }
        if has_quantiles:
            columns["quantiles"] = quantiles[chosen]
        copy_arrays(session, BacktestForecast, columns)
    return int(is_forecast.sum())


def write_scores(
    session: Session, run_id: int, *, series_ids: NDArray[np.int64], scores: Iterable[MetricScores]
) -> None:
    """Store a run's scores; one that could not be computed (not finite, or n = 0) is left out."""
    for metric in scores:
        _write_metric(session, run_id, series_ids, metric)


def _write_metric(session: Session, run_id: int, series_ids: NDArray[np.int64], scores: MetricScores) -> None:
    known = np.isfinite(scores.value) & (scores.n > 0)
    scored = known.any(axis=(1, 2))
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": series_ids[scored],
        "forecaster": scores.forecaster,
        "kind": scores.kind,
        "metric": scores.metric,
        "levels": np.tile(scores.levels, (int(scored.sum()), 1)),
        "values": np.where(known, scores.value, np.nan)[scored],
        "counts": np.where(known, scores.n, 0)[scored],
    }
    copy_arrays(session, Score, columns)


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


# All forecasters of a series have the same actuals: those of one are read.
_SCORED_FOLDS = sa.text("""
    SELECT count(DISTINCT cutoff), min(cutoff), max(cutoff)
    FROM (
        SELECT DISTINCT ON (series_id) cutoffs, actuals FROM backtest_forecast
        WHERE run_id = :run AND series_id = ANY(:series) ORDER BY series_id
    ) AS one
    CROSS JOIN LATERAL (
        SELECT DISTINCT cutoffs[(place - 1) / array_length(actuals, 2) + 1] AS cutoff
        FROM unnest(actuals) WITH ORDINALITY AS month (actual, place) WHERE actual IS NOT NULL
    ) AS scored
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
    parameters = {"run": run_id, "series": list(series_ids), "kind": kind, "forecaster": forecaster}
    found = [ScoreRow(*row) for row in session.execute(_STATEMENTS[by], parameters | {"baseline": baseline})]
    if not found:
        refuse_thinned(session, run_id)
    return found


def _score_query(series: str, wanted: str) -> sa.TextClause:
    # The baseline is joined series by series, so that both means are over the same series.
    return sa.text(f"""
        SELECT {series} AS series_id, s.forecaster, s.step, s.metric, s.level, avg(s.value), avg(b.value),
               sum(s.n), count(*)
        FROM {SCORES_BY_STEP} s
        LEFT JOIN {SCORES_BY_STEP} b ON b.run_id = s.run_id AND b.series_id = s.series_id AND b.forecaster = :baseline
             AND b.step = s.step AND b.kind = s.kind AND b.metric = s.metric AND b.level = s.level
        WHERE s.run_id = :run AND s.series_id = ANY(:series) AND s.kind = :kind AND {wanted}
        GROUP BY 1, s.forecaster, s.step, s.metric, s.level
        ORDER BY 1, s.forecaster, s.step, s.metric, s.level
    """)


_STATEMENTS: dict[By, sa.TextClause] = {
    "step": _score_query("NULL::int", "s.forecaster = :forecaster AND s.step > 0"),
    "forecaster": _score_query("NULL::int", "s.step = 0"),
    "series": _score_query("s.series_id", "s.forecaster = :forecaster AND s.step = 0"),
}


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
    folds = read_folds(session, run_id, series_ids, forecaster=forecaster, since=cutoff, until=cutoff)
    found = (FoldMeans(fold.series_id, fold.forecaster, fold.cutoff, fold.means, fold.actuals) for fold in folds)
    return sorted(found, key=lambda fold: (fold.cutoff, fold.forecaster, fold.series_id))


class StoredFold(NamedTuple):
    """A fold of a series as stored; `quantiles`, a list a probability, is None where it was not asked for."""

    series_id: int
    forecaster: str
    cutoff: date
    means: list[float]
    actuals: list[float | None]
    quantiles: list[list[float | None]] | None


def read_folds(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    *,
    forecaster: str | None = None,
    since: date | None = None,
    until: date | None = None,
    with_quantiles: bool = False,
) -> Iterator[StoredFold]:
    """Forecasts at the folds with a cutoff from `since` to `until`, of one forecaster or of all, in no order."""
    parameters = {
        **{"run": run_id, "series": list(series_ids), "forecaster": forecaster},
        **{"since": since or date.min, "until": until or date.max},
    }
    for series_id, name, cutoffs, means, actuals, quantiles in session.execute(_FOLDS[with_quantiles], parameters):
        intervals = quantiles or [None] * len(cutoffs)
        for cutoff, mean, actual, interval in zip(cutoffs, means, actuals, intervals, strict=True):
            if mean[0] is not None:
                yield StoredFold(series_id, name, cutoff, mean, actual, interval)


# The folds of a span are a slice: cutoffs ascend, and width_bucket counts those up to a day.
_FOLDS = {
    with_quantiles: sa.text(f"""
        SELECT series_id, forecaster, cutoffs[a:b], means[a:b], actuals[a:b],
               {"quantiles[a:b]" if with_quantiles else "NULL"}
        FROM backtest_forecast
        CROSS JOIN LATERAL (
            SELECT width_bucket(CAST(:since AS date) - 1, cutoffs) + 1, width_bucket(CAST(:until AS date), cutoffs)
        ) AS span (a, b)
        WHERE run_id = :run AND series_id = ANY(:series)
          AND (CAST(:forecaster AS text) IS NULL OR forecaster = :forecaster)
    """)
    for with_quantiles in (False, True)
}
