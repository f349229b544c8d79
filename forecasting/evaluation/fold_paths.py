"""Joint paths from a fold's cutoff: drawn in chunks of series, reconciled in chunks of draws."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.combination.last_value import UnusualReadings
from forecasting.evaluation.chunks import series_blocks
from forecasting.large_arrays import in_memory
from forecasting.types import FloatArray, NewArray
from forecasting.uncertainty.error_distribution import ErrorDistribution, learn_distribution
from forecasting.uncertainty.simulation import draw_paths

# A value of less than this share of the largest recent one is a residue of rounding.
ROUNDING = 1e-9


def fold_distribution(pool: CombinedForecasts, fold: int) -> ErrorDistribution:
    """The error distribution of the combination from the errors known at a fold's cutoff."""
    informed = None if pool.informed is None else pool.informed[:, : fold + 1]
    return learn_distribution(pool.known_errors(fold), pool.forecast_scale[:, :fold], informed)


def fold_paths(
    pool: CombinedForecasts,
    fold: int,
    *,
    draws: int,
    seed: int,
    distribution: ErrorDistribution | None = None,
    new_array: NewArray = in_memory,
) -> NDArray[np.float32]:
    """Coherent joint paths from a fold's cutoff, shape (series, draws, horizon), in the units of `y`.

    `distribution` is that of the fold, by default estimated here. The array comes from `new_array`.
    """
    distribution = distribution or fold_distribution(pool, fold)
    reconcile = pool.reconciler(fold, distribution)
    series, horizon = pool.centre.shape[0], pool.centre.shape[2]
    blocks = list(series_blocks(series, draws * horizon))
    # Several blocks wait for reconciliation as float32, in which they are stored.
    shape = series, draws, horizon
    paths: NDArray[Any] = np.empty(shape) if len(blocks) == 1 else new_array(shape, np.float32)
    widened = pool.widened(fold, distribution, reconcile)
    draw = partial(_draw, pool, fold, widened, draws=draws, seed=seed)
    for rows in blocks:
        paths[rows] = draw(np.arange(rows.start, rows.stop), pool.centre[rows, fold])
    _draw_readings(pool.last_values[fold], paths, draw, pool.panel.unique_ids, seed)
    lower_bounds = pool.data.lower_bounds[:, fold]
    residues = ROUNDING * pool.data.largest_recent[:, fold, None, None]
    coherent = paths if paths.dtype == np.float32 else new_array(shape, np.float32)
    not_begun = ~np.isfinite(pool.centre[:, fold]).all(axis=1)
    paths[not_begun | pool.discontinued[:, fold]] = 0.0
    for draw_rows in series_blocks(draws, series * horizon):
        block = reconcile(paths[:, draw_rows].astype(np.float64), lower_bounds)
        block[np.abs(block) < residues] = 0.0
        coherent[:, draw_rows] = block
    _meet_totals(pool, fold, coherent, distribution, seed=seed)
    coherent[not_begun] = np.nan
    return coherent


def _meet_totals(
    pool: CombinedForecasts, fold: int, paths: NDArray[np.float32], distribution: ErrorDistribution, *, seed: int
) -> None:
    """Make every draw of months whose total is given add up to it, in place; the total has its own small error."""
    totals = pool.given[fold]
    if totals is None:
        return
    draws = paths.shape[1]
    for step in range(1, min(totals.months, paths.shape[2]) + 1):
        half = np.random.default_rng([seed, step, 2]).standard_normal((draws + 1) // 2)
        given = totals.draw(step, np.concatenate([half, -half])[:draws])
        base = np.where(totals.known(step)[:, None], given, paths[:, :, step - 1])
        reconcile = pool.reconciler(fold, distribution, given_step=step)
        paths[:, :, step - 1] = reconcile(base, pool.data.lower_bounds[:, fold])


def _draw(
    pool: CombinedForecasts,
    fold: int,
    distribution: ErrorDistribution,
    rows: NDArray[np.int64],
    centre: FloatArray,
    *,
    draws: int,
    seed: int,
) -> FloatArray:
    """Paths of some series around `centre` (rows, horizon), shape (rows, draws, horizon)."""
    seen, chosen = pool.seen(fold), pool.data.intermittent(fold)
    histories = {place: seen[row] for place, row in enumerate(rows.tolist()) if chosen[row]}
    return draw_paths(
        _of_series(distribution, rows),
        centre,
        transform_unit=pool.transform_unit[rows, fold],
        greatest=pool.data.largest_recent[rows, fold],
        unique_ids=[pool.panel.unique_ids[row] for row in rows],
        draws=draws,
        seed=seed,
        histories=histories,
    )


def _draw_readings(
    readings: UnusualReadings | None,
    paths: NDArray[np.float32] | FloatArray,
    draw: Callable[[NDArray[np.int64], FloatArray], FloatArray],
    unique_ids: Sequence[str],
    seed: int,
) -> None:
    """Replace the draws of series with an unusual last value by draws around its two readings, in place."""
    if readings is None:
        return
    rows = np.flatnonzero(readings.unusual)
    paths[rows], changed = draw(rows, readings.single), draw(rows, readings.lasting)
    for place, row in enumerate(rows.tolist()):
        generator = np.random.default_rng([seed, zlib.crc32(unique_ids[row].encode()), 1])
        number = round(readings.probability[place] * paths.shape[1])
        chosen = generator.permutation(paths.shape[1])[:number]
        paths[row, chosen] = changed[place, chosen]


def _of_series(distribution: ErrorDistribution, rows: NDArray[np.int64]) -> ErrorDistribution:
    marginals = replace(distribution.marginals, width=distribution.marginals.width[rows])
    return replace(
        distribution,
        marginals=marginals,
        loadings=distribution.loadings[rows],
        specific=distribution.specific[rows],
    )
