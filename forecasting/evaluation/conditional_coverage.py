"""Coverage of the combination's intervals by conditions known at the cutoff: volatility, change of level, lateness.

Intervals that cover 80 % on average may cover fewer where it matters: after a volatile or a calm half-year, a boom or a
collapse, or where the last month is late.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.config import LEVELS, interval_probabilities
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray, RealArray
from forecasting.uncertainty.arsinh_transform import transform

# Recent months, and the months before them that they are compared with.
RECENT, BEFORE = 6, 24
# The ratio of recent volatility to that before, and the change of level on a year ago on the arsinh scale.
VOLATILITY_RATIO, LEVEL_CHANGE = 1.5, 0.35
GROUPS = {
    "volatility": ("calmer", "usual", "more volatile"),
    "level": ("fallen", "steady", "risen"),
    "lateness": ("on time", "late"),
}


@dataclass(frozen=True, slots=True)
class ConditionalCoverage:
    """The share of `n` outcomes inside intervals of a `level` in per cent, in a group of a condition."""

    condition: str
    group: str
    level: float
    coverage: float
    n: int


def conditional_coverage(
    pool: CombinedForecasts, folds: Sequence[int], quantiles: RealArray, probabilities: Sequence[float]
) -> tuple[ConditionalCoverage, ...]:
    """Coverage by condition and level, over all series, folds and steps with an outcome; groups without any are absent.

    `quantiles` are those of the combination at `folds`, shape (series, folds, probabilities, horizon).
    """
    if not folds:
        return ()
    actual = pool.actual[:, list(folds)]
    placed = {name: np.stack(groups, axis=1) for name, groups in _placed(pool, folds).items()}
    return tuple(_rows(placed, actual, quantiles, probabilities))


def _rows(
    placed: dict[str, NDArray[np.int64]], actual: FloatArray, quantiles: RealArray, probabilities: Sequence[float]
) -> Iterator[ConditionalCoverage]:
    known = np.isfinite(actual)
    for level in LEVELS:
        lo, hi = (quantiles[:, :, probabilities.index(bound)] for bound in interval_probabilities(level))
        inside = (actual >= lo) & (actual <= hi)
        for condition, groups in GROUPS.items():
            for place, group in enumerate(groups):
                chosen = known & (placed[condition] == place)[:, :, None]
                n = int(chosen.sum())
                if n:
                    yield ConditionalCoverage(condition, group, level, float(inside[chosen].mean()), n)


def _placed(pool: CombinedForecasts, folds: Sequence[int]) -> dict[str, list[NDArray[np.int64]]]:
    """The group of each series at each fold, by condition; -1 where its history is too short for it."""
    found: dict[str, list[NDArray[np.int64]]] = {name: [] for name in GROUPS}
    for fold in folds:
        values = transform(pool.seen(fold), pool.transform_unit[:, fold, None])
        found["volatility"].append(_group(_volatility_change(values), np.log(VOLATILITY_RATIO)))
        found["level"].append(_group(_level_change(values), LEVEL_CHANGE))
        found["lateness"].append((pool.data.delay[:, fold] > 0).astype(np.int64))
    return found


def _group(change: FloatArray, limit: float) -> NDArray[np.int64]:
    """0 below -limit, 2 above it, 1 between, -1 where unknown."""
    return np.where(np.isnan(change), -1, 1 + (change > limit) - (change < -limit)).astype(np.int64)


def _volatility_change(values: FloatArray) -> FloatArray:
    """The logarithm of recent volatility relative to that before: month-on-month changes of changes on a year ago."""
    yearly = values[:, MONTHS_PER_YEAR:] - values[:, :-MONTHS_PER_YEAR]
    sizes = np.abs(np.diff(yearly, axis=1))
    recent, before = _mean(sizes[:, -RECENT:]), _mean(sizes[:, -RECENT - BEFORE : -RECENT])
    usable = (recent > 0) & (before > 0) & (sizes.shape[1] >= 2 * RECENT)
    return np.log(np.where(usable, recent, np.nan) / np.where(usable, before, np.nan))


def _level_change(values: FloatArray) -> FloatArray:
    """The change of the recent mean on the same months a year ago."""
    end = values.shape[1] - MONTHS_PER_YEAR
    if end < RECENT:
        return np.full(len(values), np.nan)
    return _mean(values[:, -RECENT:]) - _mean(values[:, end - RECENT : end])


def _mean(values: FloatArray) -> FloatArray:
    """Means of the known values of each row, NaN where there is none."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
