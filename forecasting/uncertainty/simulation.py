"""Joint paths: draws of every series over every step around the combination, and what is read off them."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray, RealArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform
from forecasting.uncertainty.error_distribution import ErrorDistribution

# No month is drawn above this many times the larger of what was forecast and what was ever seen.
CEILING = 20.0


def draw_paths(
    distribution: ErrorDistribution,
    centre: FloatArray,
    *,
    transform_unit: FloatArray,
    greatest: FloatArray,
    unique_ids: Sequence[str],
    draws: int,
    seed: int,
) -> FloatArray:
    """Paths around `centre` (series, horizon), shape (series, draws, horizon), in the units of `y`.

    `unit` (series,) is the link's; `greatest` (series,) is the largest absolute value seen. The same draw number is the
    same future in every series. What moves many series comes from `seed`, what is a series' own from `seed` and its
    name, so that the order of the series does not matter. Draws come in mirrored pairs on the link's scale, then give
    way by half of what lifts their mean above the centre: with their medians on it the sums of many would lie above
    the sum of the centres, with their means on it each would lie below its own.
    """
    horizon = centre.shape[1]
    half = (draws + 1) // 2
    factors = distribution.loadings.shape[1]
    common = np.random.default_rng(seed).standard_normal((factors, half * horizon))
    normal = (distribution.loadings @ common).reshape(-1, half, horizon)
    for row, uid in enumerate(unique_ids):
        own = np.random.default_rng([seed, zlib.crc32(uid.encode())]).standard_normal((half, horizon))
        normal[row] += distribution.specific[row] * own
    normal = normal @ distribution.steps.T
    marginals = distribution.marginals
    errors = marginals.of_normal(normal) * marginals.width[:, None, :]
    linked = transform(centre, transform_unit[:, None])[:, None, :]
    mirrored = np.concatenate([linked + errors, linked - errors], axis=1)[:, :draws]
    ceiling = CEILING * np.maximum(np.abs(centre), greatest[:, None])[:, None, :]
    bound = transform(ceiling, transform_unit[:, None, None])
    return _shrink_towards_centre(
        inverse_transform(np.clip(mirrored, -bound, bound), transform_unit[:, None, None]), centre
    )


def _shrink_towards_centre(paths: FloatArray, centre: FloatArray) -> FloatArray:
    """The paths scaled down by the root of their mean over the centre, where both are positive."""
    mean = paths.mean(axis=1)
    lifted = (centre > 0) & (mean > centre)
    factor = np.sqrt(np.divide(centre, mean, out=np.ones_like(centre), where=lifted))
    paths *= factor[:, None]
    return paths


def path_quantiles(paths: RealArray, probabilities: Sequence[float]) -> FloatArray:
    """Quantiles over the draws of paths (..., draws, steps), shape (..., probabilities, steps); NaN where a draw is.

    `numpy.quantile` to the bit (its linear method), but the draws are sorted once, in a row, rather than partitioned.
    """
    ranked: NDArray[Any] = np.sort(np.moveaxis(paths, -2, -1), axis=-1)
    position = np.asarray(probabilities) * (ranked.shape[-1] - 1)
    below = np.floor(position).astype(int)
    share = position - below
    low, high = ranked[..., below], ranked[..., np.minimum(below + 1, ranked.shape[-1] - 1)]
    gap = high - low
    quantiles = np.where(share >= 0.5, high - gap * (1 - share), low + gap * share)
    # NaN is sorted last.
    quantiles[np.isnan(ranked[..., -1])] = np.nan
    return np.moveaxis(quantiles.astype(np.float64), -1, -2)
