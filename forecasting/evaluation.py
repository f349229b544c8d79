"""The backtest's forecasts with their intervals, and their scores by kind of period."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.config import BASELINE, COMBINATION, ForecastConfig
from forecasting.distribution import ErrorDistribution, learn_distribution, learn_marginals
from forecasting.history import FloatArray
from forecasting.kinds import ALL_KINDS, KindForecasts, fill_kinds, kind_scores
from forecasting.link import from_link, to_link
from forecasting.paths import draw_paths, path_quantiles
from forecasting.pool import Pool, known_errors, link_errors
from forecasting.scores import diebold_mariano, score_table, seasonal_scales

# Enough draws for a fold's quantiles; what is published is drawn with the configuration's own number.
FOLD_DRAWS = 400
SCORE_TYPES = {"step": np.int64, "level": np.float64, "value": np.float64, "n": np.int64}
KEYS = ["unique_id", "forecaster", "step", "kind", "metric", "level"]


@dataclass(frozen=True)
class Backtest:
    """Every forecaster and the combination on the scored folds.

    `means` has shape (series, forecasters, folds, horizon), `quantiles` (series, forecasters, folds, probabilities,
    horizon) as float32, `actual` (series, folds, horizon), all in the units of `y`; `cutoffs` are months. `scores` has
    the columns unique_id, forecaster, step, kind, metric, level, value, n.
    """

    names: tuple[str, ...]
    cutoffs: NDArray[np.datetime64]
    means: FloatArray
    quantiles: NDArray[np.float32]
    actual: FloatArray
    scores: pd.DataFrame


def fold_distribution(pool: Pool, fold: int) -> ErrorDistribution:
    """What the errors known at a fold's cutoff say of the combination's."""
    return learn_distribution(known_errors(pool.errors, pool.base.cutoffs, fold), pool.prior[:, fold])


def fold_paths(pool: Pool, fold: int, *, draws: int, seed: int) -> NDArray[np.float32]:
    """Coherent joint paths from a fold's cutoff, shape (series, draws, horizon), in the units of `y`."""
    seen = pool.panel.values[:, : pool.base.cutoffs[fold] + 1]
    non_negative = bool(np.nanmin(pool.panel.values) >= 0)
    paths = draw_paths(
        fold_distribution(pool, fold),
        pool.centre[:, fold],
        unit=pool.unit[:, fold],
        greatest=np.nanmax(np.abs(seen), axis=1, initial=0.0),
        unique_ids=pool.panel.unique_ids,
        draws=draws,
        seed=seed,
    )
    return pool.reconciler(fold)(paths, non_negative=non_negative).astype(np.float32)


def evaluate_pool(
    pool: Pool,
    *,
    first: int,
    last: int,
    config: ForecastConfig,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Backtest:
    """Score the folds `first` up to but not including `last`, each with intervals from what it knew."""
    folds = range(first, last)
    shape = (len(pool.panel.unique_ids), len(folds), pool.centre.shape[2])
    combined = np.empty((*shape[:2], len(config.probabilities), shape[2]), dtype=np.float32)
    kinds = {kind: KindForecasts.empty(*shape) for kind in ALL_KINDS}
    for done, fold in enumerate(folds, start=1):
        paths = fold_paths(pool, fold, draws=FOLD_DRAWS, seed=config.seed + fold)
        combined[:, done - 1] = path_quantiles(paths, config.probabilities)
        fill_kinds(kinds, pool, fold, place=done - 1, paths=paths)
        if on_progress:
            on_progress("backtest", done, len(folds))
    quantiles = np.concatenate([base_intervals(pool, folds, config.probabilities), combined[:, None]], axis=1)
    means = np.concatenate([pool.base.means[:, :, first:last], pool.centre[:, None, first:last]], axis=1)
    names = (*pool.base.names, COMBINATION)
    actual = pool.actual[:, first:last]
    scores = _scores(pool, names, means, quantiles, actual, slice(first, last), config.probabilities)
    months = pool.panel.months[pool.base.cutoffs[first:last]]
    by_kind = [kind_scores(pool.panel.unique_ids, kind, forecasts) for kind, forecasts in kinds.items()]
    scores = _stacked([scores, *by_kind])
    return Backtest(names, months, means, quantiles, actual, scores.sort_values(KEYS, ignore_index=True))


def base_intervals(pool: Pool, folds: range, probabilities: tuple[float, ...]) -> NDArray[np.float32]:
    """Quantiles of every forecaster, shape (series, forecasters, folds, probabilities, horizon), as float32."""
    each = [_marginal_quantiles(pool, row, folds, probabilities) for row in range(len(pool.base.names))]
    return np.stack(each, axis=1)


def _marginal_quantiles(pool: Pool, row: int, folds: range, probabilities: tuple[float, ...]) -> NDArray[np.float32]:
    """Intervals of one forecaster around its own means, by the method of the combination without its joint draws."""
    means = pool.base.means[:, row]
    errors = link_errors(means, pool.actual, pool.unit)
    out = np.empty((len(means), len(folds), len(probabilities), means.shape[2]), dtype=np.float32)
    for place, fold in enumerate(folds):
        known = known_errors(errors, pool.base.cutoffs, fold)
        marginals = learn_marginals(known, pool.prior[:, fold])
        standard = marginals.standardised(np.asarray(probabilities))
        centre = to_link(means[:, fold], pool.unit[:, fold, None])
        linked = centre[:, None] + standard[:, None] * marginals.width[:, None]
        out[:, place] = from_link(linked, pool.unit[:, fold, None, None])
    if np.nanmin(pool.panel.values) >= 0:
        np.maximum(out, 0.0, out=out)
    return out


def _scores(
    pool: Pool,
    names: tuple[str, ...],
    means: FloatArray,
    quantiles: NDArray[np.float32],
    actual: FloatArray,
    scored: slice,
    probabilities: tuple[float, ...],
) -> pd.DataFrame:
    scale, squared = seasonal_scales(pool.panel.values, pool.base.cutoffs)
    tables = []
    for row, name in enumerate(names):
        table = score_table(
            actual=actual,
            mean=means[:, row],
            quantiles=quantiles[:, row].astype(np.float64),
            scale=scale[:, scored],
            squared_scale=squared[:, scored],
            unique_ids=pool.panel.unique_ids,
            probabilities=probabilities,
        )
        tables.append(table.assign(forecaster=name, kind="month"))
    tables.append(_against_baseline(pool.panel.unique_ids, np.abs(means - actual[:, None]), names))
    return _stacked(tables)


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Score tables under one another; a table without rows has columns without a type and is left out."""
    filled = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(filled, ignore_index=True).astype(SCORE_TYPES)


def _against_baseline(unique_ids: tuple[str, ...], losses: FloatArray, names: tuple[str, ...]) -> pd.DataFrame:
    """Diebold-Mariano p-values of the combination's absolute errors against the baseline's, by series and step."""
    ours, theirs = losses[:, names.index(COMBINATION)], losses[:, names.index(BASELINE)]
    rows = []
    for series, uid in enumerate(unique_ids):
        for step in range(1, losses.shape[3] + 1):
            p_value = diebold_mariano(ours[series, :, step - 1], theirs[series, :, step - 1], step=step)
            if np.isfinite(p_value):
                n = int(np.isfinite(ours[series, :, step - 1]).sum())
                rows.append((uid, COMBINATION, step, "month", "dm_pvalue", 0.0, p_value, n))
    return pd.DataFrame(rows, columns=[*KEYS, "value", "n"])
