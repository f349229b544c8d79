"""How right forecasts were: errors by series, forecaster and step, over the folds.

MASE: Hyndman & Koehler (2006), with the in-sample seasonal-naive scale known at each cutoff. RMSSE: the M5
competition's, on the same season. WIS: Bracher et al. (2021). Diebold-Mariano with the small-sample
correction of Harvey, Leybourne & Newbold (1997).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scoringrules
from numpy.typing import NDArray
from scipy.special import stdtr

from forecasting.config import LEVELS, PROBABILITIES, interval_probabilities
from forecasting.history import FloatArray

SEASON = 12
METRICS = ("mae", "mase", "rmsse", "smape", "bias", "wis", "pinball", "coverage")


def seasonal_scales(values: FloatArray, cutoffs: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Mean absolute and mean squared change on a year ago up to each cutoff, each shape (series, cutoffs).

    NaN where a series has no such change yet, or never changed.
    """
    changes = np.full_like(values, np.nan)
    changes[:, SEASON:] = values[:, SEASON:] - values[:, :-SEASON]
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
    each: FloatArray = scoringrules.quantile_score(actual[..., None], quantiles[..., rows], np.asarray(PROBABILITIES))
    return np.asarray(each.mean(axis=-1))


def weighted_interval_score(
    actual: FloatArray, quantiles: FloatArray, probabilities: Sequence[float] = PROBABILITIES
) -> FloatArray:
    """WIS over LEVELS, shape of `actual`, from quantiles (..., probabilities); in the units of `y`.

    The score of an interval, weighed by half its alpha, is the sum of its bounds' quantile scores, and half the error
    of the median is the median's: so WIS is twice the mean quantile score (Bracher et al. 2021, section 2.2).
    """
    # scoringrules 0.10 has a weighted_interval_score, but without numba it weighs the median itself, not its error.
    return 2 * pinball(actual, quantiles, probabilities)


def score_table(
    *,
    actual: FloatArray,
    mean: FloatArray,
    quantiles: FloatArray,
    scale: FloatArray,
    squared_scale: FloatArray,
    unique_ids: Sequence[str],
    probabilities: Sequence[float] = PROBABILITIES,
) -> pd.DataFrame:
    """Scores of one forecaster: rows `unique_id, step, metric, level, value, n`; step 0 pools all the steps.

    `actual` and `mean` have shape (series, folds, horizon), `quantiles` (series, folds, probabilities, horizon), the
    scales (series, folds). Forecasts without an actual, and series without a scale, give no row.
    """
    tall = np.moveaxis(quantiles, 2, -1)
    error = mean - actual
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.abs(mean) + np.abs(actual)
        metrics = {
            ("mae", 0.0): np.abs(error),
            ("mase", 0.0): np.abs(error) / scale[..., None],
            ("rmsse", 0.0): error**2 / squared_scale[..., None],
            ("smape", 0.0): np.where(size > 0, 200 * np.abs(error) / size, np.where(np.isfinite(size), 0.0, np.nan)),
            ("bias", 0.0): error,
            ("wis", 0.0): weighted_interval_score(actual, tall, probabilities),
            ("pinball", 0.0): pinball(actual, tall, probabilities),
        }
    for level in LEVELS:
        lo, hi = (tall[..., probabilities.index(bound)] for bound in interval_probabilities(level))
        metrics["coverage", level] = inside(actual, lo, hi)
    parts = [_rows(name, level, values, unique_ids) for (name, level), values in metrics.items()]
    table = pd.concat(parts, ignore_index=True)
    rooted = table["metric"] == "rmsse"
    table.loc[rooted, "value"] = np.sqrt(table.loc[rooted, "value"])
    return table


def inside(actual: FloatArray, lo: FloatArray, hi: FloatArray) -> FloatArray:
    """1 where the actual lies within the bounds, 0 where not, NaN where unknown; shape of `actual`."""
    known = np.isfinite(actual) & np.isfinite(lo) & np.isfinite(hi)
    return np.where(known, ((actual >= lo) & (actual <= hi)).astype(float), np.nan)


def diebold_mariano(loss: FloatArray, baseline: FloatArray, *, step: int) -> float:
    """Two-sided p-value that two forecasters' losses (folds,) are equal in the mean at a step; NaN if undecidable.

    Folds must be a month apart and in order. Losses may hold NaN, which are left out pairwise.
    """
    difference = loss - baseline
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    if n < max(8, step + 2):
        return float("nan")
    centred = difference - difference.mean()
    autocovariance = [float(centred[lag:] @ centred[: n - lag]) / n for lag in range(step)]
    # Bartlett weights keep the variance positive, which plain sums do not.
    weights = [1.0] + [2 * (1 - lag / step) for lag in range(1, step)]
    variance = float(np.dot(weights, autocovariance)) / n
    if variance <= 0:
        return float("nan")
    correction = np.sqrt(max(n + 1 - 2 * step + step * (step - 1) / n, 1.0) / n)
    return float(2 * stdtr(n - 1, -abs(correction * difference.mean() / np.sqrt(variance))))


def _rows(metric: str, level: float, values: FloatArray, unique_ids: Sequence[str]) -> pd.DataFrame:
    """Means over the folds by series and step, and over both for step 0."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    counts = np.concatenate([counts.sum(axis=1, keepdims=True), counts], axis=1)
    sums = np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)
    series, step = np.nonzero(counts)
    return pd.DataFrame(
        {
            "unique_id": np.asarray(unique_ids, dtype=object)[series],
            "step": step,
            "metric": metric,
            "level": level,
            "value": sums[series, step] / counts[series, step],
            "n": counts[series, step],
        }
    )
