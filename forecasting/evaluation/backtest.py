"""The backtest: forecasts with intervals at past cutoffs, and their scores by kind of period."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.config import BASELINE, COMBINATION, ForecastConfig
from forecasting.evaluation.chunks import error_blocks
from forecasting.evaluation.conditional_coverage import ConditionalCoverage, conditional_coverage
from forecasting.evaluation.metrics import diebold_mariano, folds_ahead
from forecasting.evaluation.period_scores import PeriodForecasts, PeriodScores
from forecasting.evaluation.score_accumulator import ScoreAccumulator, ScoreArray, ScoreTable
from forecasting.evaluation.scoring_tasks import (
    Quantiles,
    fold_tasks,
    forecaster_tasks,
    score_fold,
    score_forecaster,
)
from forecasting.large_arrays import in_memory, moved
from forecasting.tasks import ordered_results
from forecasting.types import FloatArray, NewArray, OnProgress

FEWEST_SERIES = 50
"""A smaller panel is scored in this process."""
FEWEST_AT_ONCE, BYTES_AT_ONCE = 8, 4_000_000_000
"""Tasks that an executor holds: as many as have this size together, or this number."""


@dataclass(frozen=True)
class Backtest:
    """Every forecaster and the combination, which is the last of `names`, on the scored folds.

    `base` has shape (series, forecasters, folds, horizon), `combined` and `actual` (series, folds, horizon), all in the
    units of `y`; `cutoffs` are months. `quantiles` has (series, folds, probabilities, horizon) as float32 for the
    combination, and for the forecasters if requested; `periods` are the combination's forecasts of longer periods, and
    `conditional_coverage` is that of its months, over all series.
    """

    names: tuple[str, ...]
    cutoffs: NDArray[np.datetime64]
    base: FloatArray
    combined: FloatArray
    quantiles: Mapping[str, Quantiles]
    actual: FloatArray
    score_table: ScoreTable
    periods: tuple[PeriodForecasts, ...]
    conditional_coverage: tuple[ConditionalCoverage, ...]

    @property
    def means(self) -> FloatArray:
        """Means of all `names`, shape (series, forecasters, folds, horizon)."""
        return np.concatenate([self.base, self.combined[:, None]], axis=1)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Rows unique_id, forecaster, step, kind, metric, level, value, n."""
        return self.score_table.frame()

    def of(self, rows: slice) -> "Backtest":
        """The backtest of some of the series."""
        return replace(
            self,
            base=self.base[rows],
            combined=self.combined[rows],
            quantiles={name: quantiles[rows] for name, quantiles in self.quantiles.items()},
            actual=self.actual[rows],
            score_table=self.score_table.of(rows),
            periods=tuple(track.of(rows) for track in self.periods),
        )


def evaluate_folds(
    pool: CombinedForecasts,
    folds: Sequence[int],
    *,
    config: ForecastConfig,
    keep_all: bool = False,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    new_array: NewArray = in_memory,
) -> Backtest:
    """Score some of a pool's folds, ascending, each with intervals from the errors known at it.

    The quantiles of the forecasters other than the combination are kept only with `keep_all`. With an executor each
    fold is a task, and then each forecaster; the result is the same. Its arrays come from `new_array`.
    """
    at_once = max(FEWEST_AT_ONCE, BYTES_AT_ONCE // (2 * pool.centre.nbytes))
    done = 0

    def report() -> None:
        if on_progress:
            on_progress("backtest", done, len(folds))

    executor = None if len(pool.centre) < FEWEST_SERIES else executor
    in_order = partial(ordered_results, executor=executor, at_once=at_once, on_pulse=report)
    series, horizon = pool.centre.shape[0], pool.centre.shape[2]
    combined = new_array((series, len(folds), len(config.probabilities), horizon), np.float32)
    periods, months = PeriodScores(series, horizon, new_array), ScoreAccumulator(series, horizon, new_array)
    for place, scores in enumerate(in_order(score_fold, fold_tasks(pool, folds, config))):
        combined[:, place] = scores.quantiles
        months.add(scores.months)
        periods.add(scores.periods)
        done = place + 1
        report()
    entries, quantiles = months.scored(COMBINATION, "month") + periods.scored(), {COMBINATION: combined}
    tasks = forecaster_tasks(pool, folds, config.probabilities, keep=keep_all)
    for name, scored in zip(pool.base.names, in_order(score_forecaster, tasks), strict=True):
        entries += [score.moved(new_array) for score in scored.scores]
        if scored.quantiles is not None:
            quantiles[name] = moved(scored.quantiles, new_array)
    entries.append(_against_baseline(pool, folds))
    chosen = _index_of(folds)
    return Backtest(
        names=(*pool.base.names, COMBINATION),
        cutoffs=pool.panel.months[pool.base.cutoffs[chosen]],
        base=pool.base.means[:, :, chosen],
        combined=pool.centre[:, chosen],
        quantiles=quantiles,
        actual=pool.actual[:, chosen],
        score_table=ScoreTable(pool.panel.unique_ids, tuple(entries)),
        periods=periods.forecasts,
        conditional_coverage=conditional_coverage(pool, folds, combined, config.probabilities),
    )


def _index_of(folds: Sequence[int]) -> slice | list[int]:
    """The folds as an index of an axis: of contiguous ones a slice, whose view needs no memory."""
    contiguous = len(folds) > 0 and folds[-1] - folds[0] == len(folds) - 1
    return slice(folds[0], folds[-1] + 1) if contiguous else list(folds)


def _against_baseline(pool: CombinedForecasts, folds: Sequence[int]) -> ScoreArray:
    """Diebold-Mariano p-values of the combination's absolute errors against the baseline's, by series and step."""
    parts = [_p_values(pool, folds, rows) for rows in error_blocks(pool.centre)]
    value, n = (np.concatenate(part) for part in zip(*parts, strict=True))
    return ScoreArray(COMBINATION, "month", ("dm_pvalue", 0.0), tuple(range(1, value.shape[1] + 1)), value, n)


def _p_values(pool: CombinedForecasts, folds: Sequence[int], rows: slice) -> tuple[FloatArray, NDArray[np.int32]]:
    """The p-values of some of the series and the number of errors behind each, both of shape (series, steps)."""
    actual, baseline = pool.actual[rows, folds], pool.base.means[rows, pool.base.names.index(BASELINE), folds]
    ours, theirs = np.abs(pool.centre[rows, folds] - actual), np.abs(baseline - actual)
    apart = np.diff(pool.base.cutoffs[folds]).tolist()
    steps = range(actual.shape[2])
    p_values = [diebold_mariano(ours[..., h], theirs[..., h], step=folds_ahead(h + 1, apart)) for h in steps]
    value = np.stack(p_values, axis=1)
    return value, np.where(np.isfinite(value), np.isfinite(ours).sum(axis=1), 0).astype(np.int32)
