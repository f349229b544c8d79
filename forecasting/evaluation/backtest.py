"""The backtest: forecasts with intervals at past cutoffs, and their scores by kind of period."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.combination.last_value import LastValueReadings
from forecasting.config import BASELINE, COMBINATION, ForecastConfig
from forecasting.evaluation.chunks import series_blocks
from forecasting.evaluation.conditional_coverage import ConditionalCoverage, conditional_coverage
from forecasting.evaluation.metrics import diebold_mariano, fold_scores, folds_ahead, seasonal_scales
from forecasting.evaluation.period_scores import PeriodForecasts, PeriodScores
from forecasting.evaluation.score_accumulator import ScoreAccumulator, ScoreArray, ScoreTable
from forecasting.types import FloatArray, OnProgress
from forecasting.uncertainty.arsinh_transform import transform
from forecasting.uncertainty.error_distribution import ErrorDistribution, learn_distribution, learn_marginals
from forecasting.uncertainty.simulation import bounded_inverse, draw_paths, path_quantiles

# Enough draws for a fold's quantiles; published paths have the configuration's own number.
FOLD_DRAWS = 400
# A value of less than this share of the largest recent one is a residue of rounding.
ROUNDING = 1e-9
Quantiles = NDArray[np.float32]


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


def fold_distribution(pool: CombinedForecasts, fold: int) -> ErrorDistribution:
    """The error distribution of the combination from the errors known at a fold's cutoff."""
    informed = None if pool.informed is None else pool.informed[:, : fold + 1]
    return learn_distribution(pool.known_errors(fold), pool.forecast_scale[:, :fold], informed)


def fold_paths(pool: CombinedForecasts, fold: int, *, draws: int, seed: int) -> NDArray[np.float32]:
    """Coherent joint paths from a fold's cutoff, shape (series, draws, horizon), in the units of `y`."""
    distribution = fold_distribution(pool, fold)
    series, horizon = pool.centre.shape[0], pool.centre.shape[2]
    blocks = list(series_blocks(series, draws * horizon))
    # Several blocks wait for reconciliation as float32, in which they are stored.
    paths = np.empty((series, draws, horizon), dtype=np.float64 if len(blocks) == 1 else np.float32)
    draw = partial(_draw, pool, fold, distribution, draws=draws, seed=seed)
    for rows in blocks:
        paths[rows] = draw(np.arange(rows.start, rows.stop), pool.centre[rows, fold])
    _draw_readings(pool.last_values[fold], paths, draw, pool.panel.unique_ids, seed)
    lower_bounds = pool.lower_bounds[:, fold]
    residues = ROUNDING * pool.largest_recent[:, fold, None, None]
    reconcile = pool.reconciler(fold, distribution)
    coherent = paths if paths.dtype == np.float32 else np.empty(paths.shape, dtype=np.float32)
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
        paths[:, :, step - 1] = reconcile(base, pool.lower_bounds[:, fold])


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
        greatest=pool.largest_recent[rows, fold],
        unique_ids=[pool.panel.unique_ids[row] for row in rows],
        draws=draws,
        seed=seed,
        histories=histories,
    )


def _draw_readings(
    readings: LastValueReadings | None,
    paths: NDArray[np.float32] | FloatArray,
    draw: Callable[[NDArray[np.int64], FloatArray], FloatArray],
    unique_ids: Sequence[str],
    seed: int,
) -> None:
    """Replace the draws of series with an unusual last value by draws around its two readings, in place."""
    if readings is None:
        return
    rows = np.flatnonzero(readings.unusual)
    paths[rows], changed = draw(rows, readings.single[rows]), draw(rows, readings.lasting[rows])
    for place, row in enumerate(rows.tolist()):
        generator = np.random.default_rng([seed, zlib.crc32(unique_ids[row].encode()), 1])
        number = round(readings.probability[row] * paths.shape[1])
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


def evaluate_folds(
    pool: CombinedForecasts,
    folds: Sequence[int],
    *,
    config: ForecastConfig,
    keep_all: bool = False,
    on_progress: OnProgress | None = None,
) -> Backtest:
    """Score some of a pool's folds, ascending, each with intervals from the errors known at it.

    The quantiles of the forecasters other than the combination are kept only with `keep_all`.
    """
    combined, periods, entries = _score_combination(pool, folds, config, on_progress)
    quantiles = {COMBINATION: combined}
    for row, name in enumerate(pool.base.names):
        kept, scored = _score_forecaster(pool, row, folds, config, keep=keep_all)
        entries += scored
        if kept is not None:
            quantiles[name] = kept
    entries.append(_against_baseline(pool, folds))
    # A view of contiguous folds needs no memory.
    contiguous = len(folds) > 0 and folds[-1] - folds[0] == len(folds) - 1
    chosen = slice(folds[0], folds[-1] + 1) if contiguous else list(folds)
    return Backtest(
        names=(*pool.base.names, COMBINATION),
        cutoffs=pool.panel.months[pool.base.cutoffs[chosen]],
        base=pool.base.means[:, :, chosen],
        combined=pool.centre[:, chosen],
        quantiles=quantiles,
        actual=pool.actual[:, chosen],
        score_table=ScoreTable(pool.panel.unique_ids, tuple(entries)),
        periods=periods,
        conditional_coverage=conditional_coverage(pool, folds, combined, config.probabilities),
    )


def base_intervals(pool: CombinedForecasts, fold: int, probabilities: tuple[float, ...]) -> Quantiles:
    """Quantiles of every forecaster at a fold, shape (series, forecasters, probabilities, horizon)."""
    rows = range(len(pool.base.names))
    return np.stack([next(_marginal_quantiles(pool, row, [fold], probabilities)) for row in rows], axis=1)


def _score_combination(
    pool: CombinedForecasts, folds: Sequence[int], config: ForecastConfig, on_progress: OnProgress | None
) -> tuple[Quantiles, tuple[PeriodForecasts, ...], list[ScoreArray]]:
    """Quantiles of the combination (series, folds, probabilities, horizon), its period forecasts and scores."""
    series, horizon = pool.centre.shape[0], pool.centre.shape[2]
    quantiles = np.empty((series, len(folds), len(config.probabilities), horizon), dtype=np.float32)
    period_scores, accumulator, scales = PeriodScores(series, horizon), ScoreAccumulator(series, horizon), _Scales(pool)
    for place, fold in enumerate(folds):
        paths = fold_paths(pool, fold, draws=FOLD_DRAWS, seed=config.seed + fold)
        for rows in series_blocks(series, FOLD_DRAWS * horizon):
            quantiles[rows, place] = path_quantiles(paths[rows], config.probabilities)
            period_scores.add(pool, fold, rows=rows, paths=paths[rows])
        accumulator.add(scales.scores(fold, pool.centre[:, fold], quantiles[:, place], config.probabilities))
        if on_progress:
            on_progress("backtest", place + 1, len(folds))
    return quantiles, period_scores.forecasts, accumulator.scored(COMBINATION, "month") + period_scores.scored()


def _score_forecaster(
    pool: CombinedForecasts, row: int, folds: Sequence[int], config: ForecastConfig, *, keep: bool
) -> tuple[Quantiles | None, list[ScoreArray]]:
    """Scores of one forecaster, with its quantiles (series, folds, probabilities, horizon) if `keep`."""
    series, horizon = pool.centre.shape[0], pool.centre.shape[2]
    shape = (series, len(folds), len(config.probabilities), horizon)
    kept = np.empty(shape, dtype=np.float32) if keep else None
    accumulator, scales = ScoreAccumulator(series, horizon), _Scales(pool)
    for place, quantiles in enumerate(_marginal_quantiles(pool, row, folds, config.probabilities)):
        fold = folds[place]
        accumulator.add(scales.scores(fold, pool.base.means[:, row, fold], quantiles, config.probabilities))
        if kept is not None:
            kept[:, place] = quantiles
    return kept, accumulator.scored(pool.base.names[row], "month")


def _marginal_quantiles(
    pool: CombinedForecasts, row: int, folds: Iterable[int], probabilities: tuple[float, ...]
) -> Iterator[Quantiles]:
    """Quantiles of one forecaster at each fold, shape (series, probabilities, horizon).

    They are centred on its own means, by the method of the combination without joint draws and calibration.
    """
    means = pool.base.means[:, row]
    errors = pool.data.errors(means)
    for fold in folds:
        marginals = learn_marginals(pool.data.known_errors(fold, means, errors))
        standard = marginals.standardised(np.asarray(probabilities))
        centre = transform(means[:, fold], pool.transform_unit[:, fold, None])
        linked = centre[:, None] + standard[:, None] * marginals.width[:, None]
        quantiles = bounded_inverse(
            linked,
            means[:, fold],
            transform_unit=pool.transform_unit[:, fold],
            greatest=pool.largest_recent[:, fold],
        )
        yield np.maximum(quantiles, pool.lower_bounds[:, fold, None, None]).astype(np.float32)


class _Scales:
    """Scales of monthly errors: each series' changes on a year ago, as known at each fold."""

    def __init__(self, pool: CombinedForecasts) -> None:
        self._pool = pool
        self._absolute, self._squared = seasonal_scales(pool.panel.values, pool.base.cutoffs)

    def scores(
        self, fold: int, mean: FloatArray, quantiles: Quantiles, probabilities: tuple[float, ...]
    ) -> dict[tuple[str, float], FloatArray]:
        """Scores of a fold's months."""
        return fold_scores(
            actual=self._pool.actual[:, fold],
            mean=mean,
            scale=self._absolute[:, fold],
            squared_scale=self._squared[:, fold],
            quantiles=quantiles.astype(np.float64),
            probabilities=probabilities,
        )


def _against_baseline(pool: CombinedForecasts, folds: Sequence[int]) -> ScoreArray:
    """Diebold-Mariano p-values of the combination's absolute errors against the baseline's, by series and step."""
    actual, baseline = pool.actual[:, folds], pool.base.means[:, pool.base.names.index(BASELINE), folds]
    ours, theirs = np.abs(pool.centre[:, folds] - actual), np.abs(baseline - actual)
    steps = range(actual.shape[2])
    apart = np.diff(pool.base.cutoffs[folds]).tolist()
    p_values = [diebold_mariano(ours[..., h], theirs[..., h], step=folds_ahead(h + 1, apart)) for h in steps]
    value = np.stack(p_values, axis=1)
    n = np.where(np.isfinite(value), np.isfinite(ours).sum(axis=1), 0).astype(np.int32)
    return ScoreArray(COMBINATION, "month", ("dm_pvalue", 0.0), tuple(step + 1 for step in steps), value, n)
