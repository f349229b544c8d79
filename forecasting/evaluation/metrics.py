"""Forecast metrics by series, forecaster and step, over the folds.

MASE: Hyndman & Koehler (2006), with the in-sample seasonal-naive scale known at each cutoff. RMSSE: the M5
competition's, on the same season. WIS: Bracher et al. (2021). Diebold-Mariano with the small-sample correction of
Harvey, Leybourne & Newbold (1997).
"""

from collections.abc import Sequence

import numpy as np
import scoringrules
from numpy.typing import NDArray
from scipy.special import stdtr

from forecasting.config import LEVELS, PROBABILITIES, interval_probabilities
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.evaluation.score_accumulator import Metric
from forecasting.types import FloatArray


def seasonal_scales(values: FloatArray, cutoffs: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Mean absolute and mean squared change on a year ago up to each cutoff, each shape (series, cutoffs).

    NaN where a series has no such change yet, or never changed.
    """
    changes = np.full_like(values, np.nan)
    changes[:, MONTHS_PER_YEAR:] = values[:, MONTHS_PER_YEAR:] - values[:, :-MONTHS_PER_YEAR]
    known = np.isfinite(changes)
    counts = np.cumsum(known, axis=1)[:, cutoffs]
    absolute = np.cumsum(np.where(known, np.abs(changes), 0.0), axis=1)[:, cutoffs]
    squared = np.cumsum(np.where(known, changes**2, 0.0), axis=1)[:, cutoffs]
    usable = (counts > 0) & (absolute > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(usable, absolute / counts, np.nan), np.where(usable, squared / counts, np.nan)


def pinball(actual: FloatArray, quantiles: FloatArray, probabilities: Sequence[float] = PROBABILITIES) -> FloatArray:
    """Mean quantile score over PROBABILITIES, shape of `actual`, in the units of `y`."""
    rows = [probabilities.index(probability) for probability in PROBABILITIES]
    losses: FloatArray = scoringrules.quantile_score(actual[..., None], quantiles[..., rows], np.asarray(PROBABILITIES))
    return np.asarray(losses.mean(axis=-1))


def weighted_interval_score(
    actual: FloatArray, quantiles: FloatArray, probabilities: Sequence[float] = PROBABILITIES
) -> FloatArray:
    """WIS over LEVELS, shape of `actual`, from quantiles (..., probabilities); in the units of `y`.

    WIS is twice the mean quantile score: an interval's score, weighted by half its alpha, is the sum of its bounds'
    quantile scores, and half the median's absolute error is its quantile score (Bracher et al. 2021, section 2.2).
    """
    # The weighted_interval_score of scoringrules 0.10 without numba weights the median itself, not its error.
    return 2 * pinball(actual, quantiles, probabilities)


def wis_of(actual: FloatArray, quantiles: FloatArray, probabilities: Sequence[float]) -> FloatArray:
    """WIS over any probabilities, shape of `actual`, from quantiles (..., probabilities).

    Twice the mean quantile score, as in `weighted_interval_score`; for the median alone it is the absolute error.
    """
    losses: FloatArray = scoringrules.quantile_score(actual[..., None], quantiles, np.asarray(probabilities))
    return np.asarray(2 * losses.mean(axis=-1))


def fold_scores(
    *,
    actual: FloatArray,
    mean: FloatArray,
    scale: FloatArray | None = None,
    squared_scale: FloatArray | None = None,
    quantiles: FloatArray | None = None,
    probabilities: Sequence[float] = PROBABILITIES,
) -> dict[Metric, FloatArray]:
    """Scores of one forecaster at one fold, each of shape (series, steps), NaN where an actual or a forecast is.

    `actual` and `mean` have shape (series, steps), `quantiles` (series, probabilities, steps), the scales (series,).
    Metrics that need scales or quantiles are omitted without them. `rmsse` is a squared error here: the root of its
    mean is reported.
    """
    error = mean - actual
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.abs(mean) + np.abs(actual)
        scores: dict[Metric, FloatArray] = {
            ("mae", 0.0): np.abs(error),
            ("smape", 0.0): np.where(size > 0, 200 * np.abs(error) / size, np.where(np.isfinite(size), 0.0, np.nan)),
            ("bias", 0.0): error,
        }
        if scale is not None and squared_scale is not None:
            scores["mase", 0.0] = np.abs(error) / scale[:, None]
            scores["rmsse", 0.0] = error**2 / squared_scale[:, None]
    if quantiles is None:
        return scores
    tall = np.moveaxis(quantiles, 1, -1)
    scores["pinball", 0.0] = pinball(actual, tall, probabilities)
    # As in weighted_interval_score.
    scores["wis", 0.0] = 2 * scores["pinball", 0.0]
    for level in LEVELS:
        lo, hi = (tall[..., probabilities.index(bound)] for bound in interval_probabilities(level))
        scores["coverage", level] = inside(actual, lo, hi)
    return scores


def inside(actual: FloatArray, lo: FloatArray, hi: FloatArray) -> FloatArray:
    """1 where the actual lies within the bounds, 0 where not, NaN where unknown; shape of `actual`."""
    known = np.isfinite(actual) & np.isfinite(lo) & np.isfinite(hi)
    return np.where(known, ((actual >= lo) & (actual <= hi)).astype(float), np.nan)


def folds_ahead(step: int, apart: Sequence[int]) -> int:
    """A step in months as the number of folds over which errors overlap; `apart` are the months between folds.

    The smallest distance counts: an overestimate is conservative.
    """
    return -(-step // min(apart, default=1))


def diebold_mariano(loss: FloatArray, baseline: FloatArray, *, step: int) -> FloatArray:
    """Two-sided p-values of equal mean losses (..., folds) of two forecasters at a step, shape (...).

    NaN where it cannot be decided. Folds must be in order and evenly spaced; `folds_ahead` converts steps to folds. NaN
    losses are excluded pairwise.
    """
    difference = loss - baseline
    known = np.isfinite(difference)
    n = known.sum(axis=-1)
    # Known losses move to the front, in order, so that those left follow one another without gaps.
    order = np.argsort(~known, axis=-1, kind="stable")
    difference = np.take_along_axis(np.where(known, difference, 0.0), order, axis=-1)
    known = np.take_along_axis(known, order, axis=-1)
    counts = np.maximum(n, 1)
    mean = difference.sum(axis=-1) / counts
    centred = np.where(known, difference - mean[..., None], 0.0)
    folds = centred.shape[-1]
    # Bartlett weights keep the variance positive, which plain sums do not.
    weights = [1.0] + [2 * (1 - lag / step) for lag in range(1, step)]
    sums = [(centred[..., lag:] * centred[..., : max(folds - lag, 0)]).sum(axis=-1) for lag in range(step)]
    variance = np.tensordot(weights, np.stack(sums), axes=1) / counts**2
    correction = np.sqrt(np.maximum(n + 1 - 2 * step + step * (step - 1) / counts, 1.0) / counts)
    decidable = (n >= max(8, step + 2)) & (variance > 0)
    statistic = np.abs(correction * mean / np.sqrt(np.where(decidable, variance, 1.0)))
    return np.where(decidable, 2 * stdtr(np.maximum(n - 1, 1), -statistic), np.nan)
