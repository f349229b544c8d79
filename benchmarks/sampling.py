"""How sure a coverage is: its standard error over cutoffs whose futures overlap.

Forecasts from cutoffs a month apart share most actuals, and all series of a cutoff share its surprises: thousands
of forecasts may be a handful of trials. So whole cutoffs are drawn again in blocks as long as the horizon: the block
bootstrap of Künsch (1989), its blocks wrapping round as in Politis & Romano (1992).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.config import COMBINATION, PROBABILITIES, interval_probabilities
from forecasting.evaluation.backtest import Backtest
from forecasting.types import FloatArray

# How far a coverage may lie from its level, in points, and how many standard errors are more than chance.
TOLERANCE, SURE = 3.0, 2.0
REPLICATES = 500


def hits(backtest: Backtest, levels: tuple[float, ...]) -> dict[str, FloatArray]:
    """Whether each interval contains the actual, by kind: shape (series, folds, steps, levels), NaN without actual."""
    found = {"month": _inside(backtest.actual, np.moveaxis(backtest.quantiles[COMBINATION], 2, 3), levels)}
    shape = found["month"].shape
    for track in backtest.periods:
        fold = int(np.flatnonzero(backtest.cutoffs == track.cutoff)[0])
        steps = track.step - 1 + track.every * np.arange(track.actual.shape[1])
        inside = found.setdefault(track.kind, np.full(shape, np.nan))
        inside[:, fold, steps] = _inside(track.actual, np.moveaxis(track.quantiles, 1, 2), levels)
    return found


def _inside(actual: FloatArray, quantiles: NDArray[np.float32], levels: tuple[float, ...]) -> FloatArray:
    """One where the interval of each level holds the actual, the levels last; NaN where there is none."""
    held = []
    for level in levels:
        low, high = (quantiles[..., PROBABILITIES.index(bound)] for bound in interval_probabilities(level))
        held.append(np.where(np.isfinite(actual), (low <= actual) & (actual <= high), np.nan))
    return np.stack(held, axis=-1)


def standard_errors(held: FloatArray, *, block: int, seed: int = 1989) -> FloatArray:
    """Standard errors in points of the coverages of hits (series, folds, steps, levels), shape (levels,).

    `block` is how many consecutive folds are drawn together.
    """
    folds = held.shape[1]
    draw = np.random.default_rng(seed)
    starts = draw.integers(0, folds, (REPLICATES, -(-folds // block), 1))
    chosen = ((starts + np.arange(block)) % folds).reshape(REPLICATES, -1)[:, :folds]
    inside, counts = np.nansum(held, axis=(0, 2)), np.isfinite(held).sum(axis=(0, 2))
    with np.errstate(invalid="ignore"):
        return np.asarray(100 * np.nanstd(inside[chosen].sum(axis=1) / counts[chosen].sum(axis=1), axis=0))


def blocks_of(cutoffs: NDArray[np.datetime64], horizon: int) -> int:
    """How many of these cutoffs (months) lie within a horizon of one another."""
    apart = np.diff(cutoffs.astype("datetime64[M]").astype(int))
    return max(1, int(np.ceil(horizon / apart.min()))) if len(apart) else 1


def marked(table: pd.DataFrame, errors: Mapping[Any, FloatArray], levels: Mapping[str, float]) -> pd.DataFrame:
    """The coverages of a table, a column for each of `levels`, with their standard errors, and a mark on each miss."""
    written = table.astype(object)
    for place, (column, level) in enumerate(levels.items()):
        rows = zip(table.index, table[column], strict=True)
        written[column] = [_cell(coverage, level, errors[row][place]) for row, coverage in rows]
    return written


def _cell(coverage: float, level: float, error: float) -> str:
    miss = abs(coverage - level)
    sure = miss > max(TOLERANCE, SURE * error)
    return f"{coverage:.1f} ± {error:.1f}{' **' if sure else ' *' if miss > TOLERANCE else ''}"
