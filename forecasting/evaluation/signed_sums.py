"""Out-of-sample quantiles of signed sums of series, from the stored quantiles of the parts.

Fold draws are not stored. The joint distribution of the parts at a fold is a Gaussian copula: its marginals are the
quantiles that were forecast at the fold, its correlation is estimated from the errors of earlier folds whose outcomes
were known by then (Nelsen 2006, An Introduction to Copulas, section 2.3).
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from forecasting.types import FloatArray

PRIOR_COLUMNS = 12
"""Weight of independence in the correlation, as a number of observations."""
EXTREME = 3.0
"""Largest absolute normal score: quantiles say little about the tails beyond them."""


def normal_scores(actual: FloatArray, quantiles: FloatArray, probabilities: Sequence[float]) -> FloatArray:
    """Positions of outcomes in their forecast distributions as standard normal quantiles, shape (series, steps).

    `actual` has shape (series, steps), `quantiles` (series, probabilities, steps). The distribution is linear between
    quantiles on the normal scale. NaN where an outcome or a quantile is.
    """
    knots = ndtri(np.asarray(probabilities))
    tall = np.moveaxis(quantiles, 1, -1)
    place = np.clip((tall <= actual[..., None]).sum(axis=-1) - 1, 0, len(knots) - 2)
    lo, hi = (np.take_along_axis(tall, (place + more)[..., None], axis=-1)[..., 0] for more in (0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(hi > lo, (actual - lo) / (hi - lo), 0.5)
    scores = np.clip(knots[place] + share * (knots[place + 1] - knots[place]), -EXTREME, EXTREME)
    return np.where(np.isfinite(actual) & np.isfinite(tall).all(axis=-1), scores, np.nan)


def error_correlation(scores: FloatArray) -> FloatArray:
    """Correlation of normal scores (series, observations), shrunk towards independence, shape (series, series).

    Observations with a missing score are left out.
    """
    known = scores[:, np.isfinite(scores).all(axis=0)]
    number, count = len(scores), known.shape[1]
    if count == 0:
        return np.eye(number)
    moments = known @ known.T / count
    spread = np.sqrt(np.maximum(np.diag(moments), np.finfo(float).tiny))
    weight = count / (count + PRIOR_COLUMNS)
    correlation: FloatArray = weight * moments / np.outer(spread, spread) + (1 - weight) * np.eye(number)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def sum_quantiles(
    quantiles: FloatArray,
    signs: FloatArray,
    probabilities: Sequence[float],
    *,
    correlation: FloatArray,
    normals: FloatArray,
) -> FloatArray:
    """Quantiles of the signed sum of series, shape (probabilities, steps).

    `quantiles` has shape (series, probabilities, steps), `signs` (series,), `normals` (draws, series) are independent
    standard normal draws.
    """
    knots = ndtri(np.asarray(probabilities))
    drawn = normals @ np.linalg.cholesky(correlation).T
    total = np.zeros((len(normals), quantiles.shape[2]))
    for part, sign in enumerate(signs):
        place = np.clip(np.searchsorted(knots, drawn[:, part]) - 1, 0, len(knots) - 2)
        share = (drawn[:, part] - knots[place]) / (knots[place + 1] - knots[place])
        values = quantiles[part]
        total += sign * (values[place] + share[:, None] * (values[place + 1] - values[place]))
    return np.asarray(np.quantile(total, probabilities, axis=0))
