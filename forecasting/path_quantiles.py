"""Quantiles over the draws of paths. The API answers with them: nothing here loads SciPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.evaluation.chunks import series_blocks
from forecasting.types import FloatArray, RealArray


def path_quantiles(paths: RealArray, probabilities: Sequence[float]) -> FloatArray:
    """Quantiles over the draws of paths (..., draws, steps), shape (..., probabilities, steps); NaN where a draw is.

    Identical to `numpy.quantile` (its linear method), but the draws are sorted once instead of partitioned.
    """
    ranked: NDArray[Any] = np.sort(np.moveaxis(paths, -2, -1), axis=-1)
    position = np.asarray(probabilities) * (ranked.shape[-1] - 1)
    below = np.floor(position).astype(int)
    share = position - below
    low, high = ranked[..., below], ranked[..., np.minimum(below + 1, ranked.shape[-1] - 1)]
    gap = high - low
    quantiles = np.where(share >= 0.5, high - gap * (1 - share), low + gap * share)
    # NaN sorts last.
    quantiles[np.isnan(ranked[..., -1])] = np.nan
    return np.moveaxis(quantiles.astype(np.float64), -1, -2)


def quantiles_of_paths(paths: NDArray[np.float32], probabilities: Sequence[float]) -> FloatArray:
    """As `path_quantiles` of paths (series, draws, steps), in chunks of series: sorting takes a copy of them."""
    blocks = series_blocks(len(paths), paths.shape[1] * paths.shape[2])
    return np.concatenate([path_quantiles(paths[rows], probabilities) for rows in blocks])
