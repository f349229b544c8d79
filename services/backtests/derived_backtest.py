"""Backtest of series that are not stored: balances, groups and other signed sums of stored series.

Means and outcomes of a fold are added up. Quantiles of the sum come from those of the parts at the same fold and from
the correlation of their errors at earlier folds (forecasting/evaluation/signed_sums.py), so that a fold sees only its
past.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from forecasting.analysis.periods import GROWTH, LENGTHS
from forecasting.config import BASELINE, COMBINATION, PIT_BINS
from forecasting.data.months import MONTHS_PER_YEAR, first_day, month_number
from forecasting.types import FloatArray
from store.models import ResolvedSeries
from store.queries import backtest_folds, backtests, releases, run_inputs
from store.queries.backtest_folds import FoldForecast
from store.queries.backtests import Folds, ScoreRow
from store.queries.runs import PublishedRunRecord

DRAWS = 2000
LONGEST_YEARS = 40


class DerivedScores(NamedTuple):
    """Scores of one derived series by step and pooled (step 0), and the folds they are computed on."""

    rows: list[ScoreRow]
    folds: Folds


def derived_folds(
    session: Session,
    run: PublishedRunRecord,
    series: ResolvedSeries,
    *,
    kind: str,
    forecaster: str = COMBINATION,
    probabilities: Sequence[float],
) -> list[FoldForecast]:
    """Forecasts of a derived series at each fold with an outcome, oldest first.

    Only the combination has intervals. Results are kept in the session, which lives for one request.
    """
    if forecaster != COMBINATION:
        return _other_forecasters(session, run, series).get(forecaster, [])
    key = ("derived folds", run.id, series.unique_id, kind)
    if key not in session.info:
        session.info[key] = _summed_folds(session, run, series, kind, probabilities)
    found: list[FoldForecast] = session.info[key]
    return found


def _summed_folds(
    session: Session, run: PublishedRunRecord, series: ResolvedSeries, kind: str, probabilities: Sequence[float]
) -> list[FoldForecast]:
    from forecasting.evaluation import signed_sums  # noqa: PLC0415 - SciPy is slow to import

    by_cutoff = backtest_folds.by_cutoff(session, run.id, _ids(series), forecaster=COMBINATION, kind=kind)
    signs = np.array([part.sign for part in series.parts], dtype=np.float64)
    half = np.random.default_rng(crc32(series.unique_id.encode())).standard_normal((DRAWS // 2, len(signs)))
    normals, past = np.vstack([half, -half]), _Past(len(signs))
    found = []
    for cutoff, parts in by_cutoff.items():
        if len(parts) < len(signs):
            continue
        first = parts[series.parts[0].series_id]
        means, actuals = (_stacked(series, parts, name) for name in ("means", "actuals"))
        quantiles = np.array([parts[number].quantiles for number in _ids(series)], dtype=np.float64)
        correlation = signed_sums.error_correlation(past.known_by(month_of(cutoff)))
        total = signed_sums.sum_quantiles(quantiles, signs, probabilities, correlation=correlation, normals=normals)
        scores = signed_sums.normal_scores(actuals, quantiles, probabilities)
        ends = month_of(cutoff) + first.step + first.spacing * np.arange(means.shape[1])
        past.add(scores, ends)
        found.append(
            FoldForecast(
                cutoff, first.step, first.spacing, _listed(signs @ means), _rows(total), _listed(signs @ actuals)
            )
        )
    return found


def derived_scores(
    session: Session, run: PublishedRunRecord, series: ResolvedSeries, *, kind: str, probabilities: Sequence[float]
) -> DerivedScores:
    """Scores of a derived series for one kind of period; of monthly kinds for every forecaster."""
    folds = derived_folds(session, run, series, kind=kind.removesuffix(GROWTH), probabilities=probabilities)
    by_forecaster = {COMBINATION: folds}
    if kind.removesuffix(GROWTH) == backtest_folds.MONTH:
        by_forecaster |= _other_forecasters(session, run, series)
    observed = _Observed(*observed_values(session, run, series))
    rows: list[ScoreRow] = []
    for forecaster, fold_forecasts in by_forecaster.items():
        rows += _forecaster_scores(fold_forecasts, forecaster, kind, observed, probabilities)
    rows += _pit_rows([_arrays_of_kind(fold, kind, observed) for fold in folds], probabilities)
    cutoffs = [fold.cutoff for fold in folds]
    scored = Folds(len(cutoffs), min(cutoffs, default=None), max(cutoffs, default=None))
    return DerivedScores(_with_baseline(rows), scored)


class _Observed(NamedTuple):
    """Observations and the number of their first month."""

    values: FloatArray
    start: int


def _forecaster_scores(
    folds: Sequence[FoldForecast], forecaster: str, kind: str, observed: _Observed, probabilities: Sequence[float]
) -> list[ScoreRow]:
    from forecasting.evaluation.metrics import fold_scores, seasonal_scales  # noqa: PLC0415 - SciPy, as above
    from forecasting.evaluation.score_accumulator import ScoreAccumulator  # noqa: PLC0415

    accumulator = ScoreAccumulator(1, max((_last_step(fold) for fold in folds), default=1))
    absolute, squared = seasonal_scales(observed.values[None], np.arange(len(observed.values)))
    for fold in folds:
        arrays, place = _arrays_of_kind(fold, kind, observed), month_of(fold.cutoff) - observed.start
        scaled = kind == backtest_folds.MONTH
        scores = fold_scores(
            actual=arrays.actual,
            mean=arrays.mean,
            scale=absolute[:, place] if scaled else None,
            squared_scale=squared[:, place] if scaled else None,
            quantiles=arrays.quantiles,
            probabilities=probabilities,
        )
        accumulator.add(scores, steps=[fold.step + fold.spacing * number for number in range(len(fold.means))])
    return [
        ScoreRow(None, forecaster, step, *scored.metric, float(value), None, int(n), 1)
        for scored in accumulator.scored(forecaster, kind)
        for step, value, n in zip(scored.steps, scored.value[0], scored.n[0], strict=True)
        if n
    ]


def _pit_rows(folds: Sequence["_FoldArrays"], probabilities: Sequence[float]) -> list[ScoreRow]:
    """The PIT histogram of the combination, one row for each bin with outcomes."""
    from scipy.special import ndtr  # noqa: PLC0415 - as above

    from forecasting.evaluation.signed_sums import normal_scores  # noqa: PLC0415

    scores = [normal_scores(fold.actual, fold.quantiles, probabilities) for fold in folds if fold.quantiles is not None]
    known = np.concatenate([np.empty(0), *(found[np.isfinite(found)] for found in scores)])
    places = np.minimum((ndtr(known) * PIT_BINS).astype(int), PIT_BINS - 1)
    return [
        ScoreRow(None, COMBINATION, 0, "pit", 100.0 * place / PIT_BINS, count / len(known), None, count, 1)
        for place, count in enumerate(np.bincount(places, minlength=PIT_BINS).tolist())
        if count
    ]


def observed_values(session: Session, run: PublishedRunRecord, series: ResolvedSeries) -> tuple[FloatArray, int]:
    """Observations of a derived series up to the cutoff of the run, and the number of their first month."""
    last = month_of(run.cutoff)
    start = last - MONTHS_PER_YEAR * LONGEST_YEARS + 1
    seen = run_inputs.recent(session, run.id, _ids(series), first=first_day(start), last=first_day(last))
    signs = np.array([part.sign for part in series.parts], dtype=np.float64)
    values: FloatArray = signs @ seen.values
    return values, start


def month_of(day: date) -> int:
    """The month of a day as a month number."""
    return month_number(day.year, day.month)


class _Past:
    """Normal scores of earlier folds with the months in which their outcomes are known."""

    def __init__(self, parts: int) -> None:
        self._scores, self._ends = np.empty((parts, 0)), np.empty(0, dtype=np.int64)

    def add(self, scores: FloatArray, ends: NDArray[np.int64]) -> None:
        self._scores = np.hstack([self._scores, scores])
        self._ends = np.concatenate([self._ends, ends])

    def known_by(self, month: int) -> FloatArray:
        return self._scores[:, self._ends <= month]


class _FoldArrays(NamedTuple):
    mean: FloatArray
    actual: FloatArray
    quantiles: FloatArray | None


def _arrays(fold: FoldForecast) -> _FoldArrays:
    quantiles = None if fold.quantiles is None else np.array(fold.quantiles, dtype=np.float64)[None]
    return _FoldArrays(np.array([fold.means], dtype=np.float64), np.array([fold.actuals], dtype=np.float64), quantiles)


def _arrays_of_kind(fold: FoldForecast, kind: str, observed: _Observed) -> _FoldArrays:
    """A fold as level, or in per cent of the value a year earlier where that was known and is positive."""
    arrays = _arrays(fold)
    if not kind.endswith(GROWTH):
        return arrays
    length, cutoff = LENGTHS[kind.removesuffix(GROWTH)], month_of(fold.cutoff) - observed.start
    ends = cutoff + fold.step + fold.spacing * np.arange(len(fold.means)) - MONTHS_PER_YEAR
    bases = np.array([observed.values[end - length + 1 : end + 1].sum() if end <= cutoff else np.nan for end in ends])
    bases = np.where(bases > 0, bases, np.nan)
    mean, actual = (100 * (values / bases - 1) for values in (arrays.mean, arrays.actual))
    quantiles = None if arrays.quantiles is None else 100 * (arrays.quantiles / bases - 1)
    return _FoldArrays(mean, actual, quantiles)


def _other_forecasters(
    session: Session, run: PublishedRunRecord, series: ResolvedSeries
) -> dict[str, list[FoldForecast]]:
    """Monthly forecasts of every other forecaster by fold, without intervals."""
    ids = _ids(series)
    combined = set(session.scalars(releases.combined_januaries(run.id)))
    parts: dict[tuple[str, date], dict[int, backtests.FoldMeans]] = defaultdict(dict)
    for forecast in backtests.fold_means(session, run.id, ids):
        if forecast.forecaster != COMBINATION and forecast.cutoff < run.cutoff and forecast.cutoff not in combined:
            parts[forecast.forecaster, forecast.cutoff][forecast.series_id] = forecast
    signs = np.array([part.sign for part in series.parts], dtype=np.float64)
    found: dict[str, list[FoldForecast]] = defaultdict(list)
    for (name, cutoff), by_series in parts.items():
        if len(by_series) == len(ids):
            means, actuals = (_stacked(series, by_series, field) for field in ("means", "actuals"))
            found[name].append(FoldForecast(cutoff, 1, 1, _listed(signs @ means), None, _listed(signs @ actuals)))
    return dict(found)


def _with_baseline(rows: list[ScoreRow]) -> list[ScoreRow]:
    baseline = {(row.step, row.metric, row.level): row.value for row in rows if row.forecaster == BASELINE}
    return [row._replace(baseline=baseline.get((row.step, row.metric, row.level))) for row in rows]


def _ids(series: ResolvedSeries) -> list[int]:
    return [part.series_id for part in series.parts]


def _stacked(series: ResolvedSeries, parts: Mapping[int, FoldForecast | backtests.FoldMeans], name: str) -> FloatArray:
    return np.array([getattr(parts[number], name) for number in _ids(series)], dtype=np.float64)


def _last_step(fold: FoldForecast) -> int:
    return fold.step + fold.spacing * (len(fold.means) - 1)


def _listed(values: FloatArray) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


def _rows(values: FloatArray) -> list[list[float | None]]:
    return [_listed(row) for row in values]
