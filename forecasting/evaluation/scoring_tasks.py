"""Scores of one fold of the combination, and of one forecaster at every fold: tasks of the workers.

All series of a fold are drawn and reconciled together, because their errors are correlated; folds do not depend on one
another. A task holds what its scores depend on, as views of the arrays of the pool.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.combination.fold_data import FoldData
from forecasting.config import ForecastConfig
from forecasting.evaluation.fold_paths import fold_distribution, fold_paths
from forecasting.evaluation.metrics import fold_scores, seasonal_scales
from forecasting.evaluation.period_scores import KindScores, score_periods
from forecasting.evaluation.score_accumulator import Metric, ScoreAccumulator, ScoreArray
from forecasting.large_arrays import in_memory
from forecasting.path_quantiles import quantiles_of_paths
from forecasting.tasks import KeepsMemoryOrder, ordered_results
from forecasting.types import FloatArray, NewArray
from forecasting.uncertainty.arsinh_transform import transform
from forecasting.uncertainty.error_distribution import ErrorDistribution, Marginals, learn_marginals
from forecasting.uncertainty.simulation import bounded_inverse

# Enough draws for a fold's quantiles; published paths have the configuration's own number.
FOLD_DRAWS = 400
# Forecasters whose intervals are computed at once: each takes several times the memory of its errors.
AT_ONCE = 8
Quantiles = NDArray[np.float32]


@dataclass(frozen=True)
class FoldTask:
    """The last fold of `pool`, to be drawn from `seed`."""

    pool: CombinedForecasts
    seed: int
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class FoldScores:
    """The combination at one fold: quantiles, shape (series, probabilities, horizon), and scores.

    `months` has by metric those of months, shape (series, horizon); `periods` those of longer periods.
    """

    quantiles: Quantiles
    months: Mapping[Metric, FloatArray]
    periods: Sequence[KindScores]


@dataclass(frozen=True)
class ForecasterTask(KeepsMemoryOrder):
    """A forecaster's `means` (series, folds, horizon), of which the folds `scored` are scored against `actual`.

    `unusual` marks by fold the series whose last value is unusual, shape (series,). With `keep` its quantiles are
    returned.
    """

    name: str
    means: FloatArray
    data: FoldData
    actual: FloatArray
    scored: tuple[int, ...]
    probabilities: tuple[float, ...]
    unusual: Mapping[int, NDArray[np.bool_]]
    keep: bool

    def fold_quantiles(self) -> Iterator[Quantiles]:
        """Quantiles at each scored fold, shape (series, probabilities, horizon).

        They are centred on the forecaster's own means, by the method of the combination without joint draws and
        calibration. An unusual last value is no error of theirs, as for the combination.
        """
        for fold in self.scored:
            known = self.data.known_errors(fold, self.means, unusual=self.unusual.get(fold))
            yield _marginal_quantiles(self.data, self.means[:, fold], fold, learn_marginals(known), self.probabilities)


@dataclass(frozen=True)
class ForecasterScores:
    """Scores of a forecaster's months; its quantiles (series, folds, probabilities, horizon), if they are kept."""

    scores: list[ScoreArray]
    quantiles: Quantiles | None


def fold_tasks(pool: CombinedForecasts, folds: Sequence[int], config: ForecastConfig) -> Iterator[FoldTask]:
    """A task for each of some folds of a pool."""
    return (FoldTask(pool.up_to(fold), config.seed + fold, config.probabilities) for fold in folds)


def forecaster_tasks(
    pool: CombinedForecasts, folds: Sequence[int], probabilities: tuple[float, ...], *, keep: bool
) -> Iterator[ForecasterTask]:
    """A task for each forecaster of a pool."""
    readings = {fold: pool.last_values[fold] for fold in folds}
    unusual = {fold: reading.unusual for fold, reading in readings.items() if reading is not None}
    for row, name in enumerate(pool.base.names):
        means = pool.base.means[:, row]
        yield ForecasterTask(name, means, pool.data, pool.actual, tuple(folds), probabilities, unusual, keep)


def score_fold(task: FoldTask) -> FoldScores:
    """Quantiles and scores of the combination at a fold."""
    pool, fold = task.pool, len(task.pool.base.cutoffs) - 1
    paths = fold_paths(pool, fold, draws=FOLD_DRAWS, seed=task.seed)
    quantiles = quantiles_of_paths(paths, task.probabilities).astype(np.float32)
    scored = _MonthScores(pool.data, pool.actual, task.probabilities)
    return FoldScores(quantiles, scored.of(fold, pool.centre[:, fold], quantiles), score_periods(pool, fold, paths))


def score_forecaster(task: ForecasterTask) -> ForecasterScores:
    """Scores of one forecaster's months at every fold."""
    series, horizon = task.means.shape[0], task.means.shape[2]
    shape = (series, len(task.scored), len(task.probabilities), horizon)
    kept = np.empty(shape, dtype=np.float32) if task.keep else None
    accumulator, scored = ScoreAccumulator(series, horizon), _MonthScores(task.data, task.actual, task.probabilities)
    for place, (fold, quantiles) in enumerate(zip(task.scored, task.fold_quantiles(), strict=True)):
        accumulator.add(scored.of(fold, task.means[:, fold], quantiles))
        if kept is not None:
            kept[:, place] = quantiles
    return ForecasterScores(accumulator.scored(task.name, "month"), kept)


def base_intervals(
    pool: CombinedForecasts,
    fold: int,
    probabilities: tuple[float, ...],
    *,
    executor: Executor | None = None,
    new_array: NewArray = in_memory,
) -> Quantiles:
    """Quantiles of every forecaster at a fold, shape (series, forecasters, probabilities, horizon)."""
    series, forecasters, _, horizon = pool.base.means.shape
    found = new_array((series, forecasters, len(probabilities), horizon), np.float32)
    tasks = forecaster_tasks(pool, [fold], probabilities, keep=True)
    for row, quantiles in enumerate(ordered_results(_intervals, tasks, executor=executor, at_once=AT_ONCE)):
        found[:, row] = quantiles
    return found


def _intervals(task: ForecasterTask) -> Quantiles:
    return next(task.fold_quantiles())


def published_distribution(pool: CombinedForecasts, executor: Executor | None = None) -> ErrorDistribution:
    """The error distribution of the last fold; its estimation takes several times the memory of its errors."""
    last = len(pool.base.cutoffs) - 1
    work = partial(fold_distribution, fold=last)
    return next(ordered_results(work, [pool.up_to(last)], executor=executor, at_once=1))


class _MonthScores:
    """Scores of months; errors are scaled by each series' changes on a year ago, as known at each fold."""

    def __init__(self, data: FoldData, actual: FloatArray, probabilities: tuple[float, ...]) -> None:
        self._actual, self._probabilities = actual, probabilities
        self._absolute, self._squared = seasonal_scales(data.values, data.cutoffs)

    def of(self, fold: int, mean: FloatArray, quantiles: Quantiles) -> dict[Metric, FloatArray]:
        """Scores of a fold's months by metric, each (series, horizon)."""
        return fold_scores(
            actual=self._actual[:, fold],
            mean=mean,
            scale=self._absolute[:, fold],
            squared_scale=self._squared[:, fold],
            quantiles=quantiles.astype(np.float64),
            probabilities=self._probabilities,
        )


def _marginal_quantiles(
    data: FoldData, means: FloatArray, fold: int, marginals: Marginals, probabilities: tuple[float, ...]
) -> Quantiles:
    """Quantiles around the means (series, horizon) of a fold, shape (series, probabilities, horizon)."""
    unit = data.transform_unit[:, fold]
    standard = marginals.standardised(np.asarray(probabilities))
    linked = transform(means, unit[:, None])[:, None] + standard[:, None] * marginals.width[:, None]
    quantiles = bounded_inverse(linked, means, transform_unit=unit, greatest=data.largest_recent[:, fold])
    return np.maximum(quantiles, data.lower_bounds[:, fold, None, None]).astype(np.float32)
