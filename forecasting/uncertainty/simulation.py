"""Joint paths: draws of every series over every step around the combination."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr

from forecasting.data.intermittent import recent_quantiles
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform
from forecasting.uncertainty.error_distribution import ErrorDistribution

# Draws are at most this many times the larger of the forecast and the largest recent value. Of the months up to a year
# and a half ahead, fewer than one in two hundred are above it on any of six panels; higher draws made means absurd.
CEILING = 8.0


def draw_paths(
    distribution: ErrorDistribution,
    centre: FloatArray,
    *,
    transform_unit: FloatArray,
    greatest: FloatArray,
    unique_ids: Sequence[str],
    draws: int,
    seed: int,
    histories: Mapping[int, FloatArray] | None = None,
) -> FloatArray:
    """Paths around `centre` (series, horizon), shape (series, draws, horizon), in the units of `y`.

    `transform_unit` (series,) is the unit of the arsinh transform; `greatest` (series,) the largest absolute value
    of recent months. The same draw number is the same future in every series. Common factors are drawn from `seed`, the
    specific part of a series from `seed` and its name, so that the order of the series does not matter. Draws are
    antithetic on the arsinh scale, then rescaled by the square root of centre / mean: with the medians on the centre,
    sums of many series would lie above the sum of the centres; with the means on it, each series would lie below its
    own. The series in `histories` (by row) are drawn from the distribution of these values instead, with the same
    dependence.
    """
    horizon = centre.shape[1]
    half = (draws + 1) // 2
    factors = distribution.loadings.shape[1]
    common = np.random.default_rng(seed).standard_normal((factors, half * horizon))
    normal = (distribution.loadings @ common).reshape(-1, half, horizon)
    for row, uid in enumerate(unique_ids):
        specific = np.random.default_rng([seed, zlib.crc32(uid.encode())]).standard_normal((half, horizon))
        normal[row] += distribution.specific[row] * specific
    normal = normal @ distribution.steps.T
    marginals = distribution.marginals
    errors = marginals.of_normal(normal) * marginals.width[:, None, :]
    transformed = transform(centre, transform_unit[:, None])[:, None, :]
    mirrored = np.concatenate([transformed + errors, transformed - errors], axis=1)[:, :draws]
    paths = bounded_inverse(mirrored, centre, transform_unit=transform_unit, greatest=greatest)
    paths = _shrink_towards_centre(paths, centre)
    for row, values in (histories or {}).items():
        antithetic = np.concatenate([normal[row], -normal[row]])[:draws]
        paths[row] = recent_quantiles(values, ndtr(antithetic))
    return paths


def bounded_inverse(
    transformed: FloatArray, centre: FloatArray, *, transform_unit: FloatArray, greatest: FloatArray
) -> FloatArray:
    """Values of the arsinh scale (series, n, horizon) in the units of `y`, below the ceiling of draws; see above."""
    ceiling = CEILING * np.maximum(np.abs(centre), greatest[:, None])
    bound = transform(ceiling, transform_unit[:, None])[:, None, :]
    return inverse_transform(np.clip(transformed, -bound, bound), transform_unit[:, None, None])


def _shrink_towards_centre(paths: FloatArray, centre: FloatArray) -> FloatArray:
    """The paths rescaled by the square root of centre / mean, where both are positive."""
    mean = paths.mean(axis=1)
    lifted = (centre > 0) & (mean > centre)
    factor = np.sqrt(np.divide(centre, mean, out=np.ones_like(centre), where=lifted))
    paths *= factor[:, None]
    return paths
