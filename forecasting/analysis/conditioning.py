"""Joint paths given a condition: the conditional distribution of a forecast, coherent in every draw.

Three kinds of condition. A value holds in every draw: the draws are moved along their regression on the condition,
on the arsinh scale, until it holds exactly (Matheron's rule, as in the ensemble Kalman filter; Evensen 1994, Journal of
Geophysical Research 99). A bound keeps the draws inside it; where too few are, values are drawn from the tail and
imposed. A mean reweights the draws as little as possible, so that uncertainty stays (entropic tilting; Robertson,
Tallman and Whiteman 2005, Journal of Money, Credit and Banking 37).

Only parts that are no sums are moved: sums follow from them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecasting.errors import Contradiction
from forecasting.types import FloatArray

Measure = Callable[[FloatArray], FloatArray]
"""What conditions state of paths (parts, draws, steps): values of shape (draws, conditions)."""
# The share of the usual level below which the arsinh scale is linear.
LINEAR_SHARE = 0.05
ITERATIONS, TOLERANCE, LARGEST_STEP = 40, 1e-6, 3.0
# Draws that may miss the condition and are left out; more is a contradiction.
LOST_SHARE = 0.05
ENOUGH_DRAWS = 100


@dataclass(frozen=True, slots=True)
class Conditioned:
    """Paths given the conditions, shape (parts, draws, steps), and the number of draws that they are worth."""

    paths: FloatArray
    effective_draws: float
    method: str


@dataclass(frozen=True, slots=True)
class Unusualness:
    """How far conditions are from the forecast: Mahalanobis distance, and the probability of one at least as far."""

    distance: float
    probability: float


def impose(paths: FloatArray, measure: Measure, targets: FloatArray) -> Conditioned:
    """Paths in which every draw meets its targets, shape (draws, conditions).

    Raises:
        Contradiction: the conditions cannot be met together.
    """
    scale = _scale(paths)
    lower = np.where(paths.min(axis=(1, 2)) >= 0, 0.0, -np.inf)[:, None, None]
    state = np.arcsinh(paths / scale)
    stated = measure(paths)
    spread = stated.std(axis=0)
    if not (spread > 0).all():
        raise Contradiction("a condition is about months that are observed already")
    directions = _directions(state, stated)

    def at(shift: FloatArray) -> FloatArray:
        moved = state + np.einsum("kpt,dk->pdt", directions, shift)
        found: FloatArray = np.maximum(scale * np.sinh(moved), lower)
        return found

    shift = targets - stated
    for _ in range(ITERATIONS):
        residual = targets - measure(at(shift))
        if (np.abs(residual) <= TOLERANCE * spread).all():
            break
        shift = shift + _newton_step(at, measure, shift, residual, spread)
    residual = targets - measure(at(shift))
    met = (np.abs(residual) <= 100 * TOLERANCE * spread).all(axis=1)
    if met.mean() < 1 - LOST_SHARE:
        worst = int(np.argmax(np.abs(residual[~met]).mean(axis=0) / spread))
        raise Contradiction(f"condition {worst + 1} is not met together with the others")
    return Conditioned(at(shift)[:, met], float(met.sum()), "conditional of the joint distribution")


def keep_within(paths: FloatArray, measure: Measure, lo: FloatArray, hi: FloatArray, *, seed: int) -> Conditioned:
    """Paths whose stated values lie between `lo` and `hi`, each of shape (conditions,).

    Draws inside are kept where they are enough; otherwise values are drawn from the truncated normal distribution of
    the stated values, one condition after the other, and imposed.
    """
    stated = measure(paths)
    inside = ((stated >= lo) & (stated <= hi)).all(axis=1)
    if inside.sum() >= min(ENOUGH_DRAWS, stated.shape[0] / 10):
        return Conditioned(paths[:, inside], float(inside.sum()), "draws inside the bounds")
    rng = np.random.default_rng(seed)
    centre, spread = stated.mean(axis=0), np.maximum(stated.std(axis=0), 1e-12)
    uniform = rng.uniform(size=stated.shape)
    below, above = stats.norm.cdf((lo - centre) / spread), stats.norm.sf((hi - centre) / spread)
    # In the upper tail the survival function keeps the digits that the distribution function loses.
    upper = lo > centre
    quantiles = np.where(
        upper,
        stats.norm.isf(stats.norm.sf((lo - centre) / spread) * (1 - uniform) + above * uniform),
        stats.norm.ppf(below + uniform * (1 - above - below)),
    )
    targets = np.where((stated >= lo) & (stated <= hi), stated, np.clip(centre + spread * quantiles, lo, hi))
    return impose(paths, measure, targets)


def tilt(paths: FloatArray, measure: Measure, means: FloatArray, *, seed: int) -> Conditioned:
    """Paths resampled with the weights closest to equal that give the stated values the means (conditions,).

    Raises:
        Contradiction: no weights give these means, or they leave too few draws.
    """
    stated = measure(paths)
    weights = tilting_weights(stated, means)
    effective = float(1 / np.square(weights).sum())
    if effective < ENOUGH_DRAWS:
        # Beyond the draws, the whole distribution moves by the remaining distance of the mean.
        targets = stated + (means - stated.mean(axis=0))
        return impose(paths, measure, targets)
    rng = np.random.default_rng(seed)
    count = len(weights)
    places = np.searchsorted(np.cumsum(weights), (rng.uniform() + np.arange(count)) / count).clip(max=count - 1)
    return Conditioned(paths[:, places], effective, "entropic tilting")


def tilting_weights(stated: FloatArray, means: FloatArray) -> FloatArray:
    """Weights (draws,) of least relative entropy to equal ones under which `stated` (draws, conditions) has `means`.

    The dual is convex: Newton's method from zero. Equal weights remain where the means hold already.
    """
    spread = np.maximum(stated.std(axis=0), 1e-12)
    centred = (stated - means) / spread
    multiplier = np.zeros(centred.shape[1])
    for _ in range(100):
        weights = _exponential(centred @ multiplier)
        gradient = weights @ centred
        if np.abs(gradient).max() < 1e-10:
            break
        spread_now = (centred - gradient).T @ ((centred - gradient) * weights[:, None])
        step = np.linalg.lstsq(spread_now + 1e-12 * np.eye(len(multiplier)), gradient, rcond=None)[0]
        multiplier = multiplier - step / max(1.0, np.abs(step).max() / LARGEST_STEP)
    return _exponential(centred @ multiplier)


def unusualness(stated: FloatArray, targets: FloatArray) -> Unusualness:
    """How far targets (conditions,) are from stated values (draws, conditions), by their mean and covariance."""
    centred = stated - stated.mean(axis=0)
    covariance = np.atleast_2d(centred.T @ centred / len(stated))
    gap = targets - stated.mean(axis=0)
    squared = float(gap @ np.linalg.pinv(covariance, hermitian=True) @ gap)
    return Unusualness(float(np.sqrt(squared)), float(stats.chi2.sf(squared, len(targets))))


def _exponential(exponent: FloatArray) -> FloatArray:
    weights: FloatArray = np.exp(exponent - exponent.max())
    weights /= weights.sum()
    return weights


def _scale(paths: FloatArray) -> FloatArray:
    """The unit of the arsinh scale of each part, shape (parts, 1, 1)."""
    usual = np.median(np.abs(paths), axis=(1, 2))
    floor = max(float(usual.max()), 1e-9) * 1e-6
    scale: FloatArray = (LINEAR_SHARE * np.maximum(usual, floor))[:, None, None]
    return scale


def _directions(state: FloatArray, stated: FloatArray) -> FloatArray:
    """Coefficients of the state (parts, draws, steps) on the conditioned quantities, shape (conditions, parts, steps).

    Correlations that this number of draws cannot tell from zero are shrunk towards it.
    """
    draws = stated.shape[0]
    explained = stated - stated.mean(axis=0)
    centred = state - state.mean(axis=1, keepdims=True)
    covariance = np.einsum("pdt,dk->kpt", centred, explained) / draws
    deviations = np.maximum(centred.std(axis=1), 1e-12)[None] * explained.std(axis=0)[:, None, None]
    squared = np.clip(np.square(covariance / deviations), 1e-12, 1.0)
    kept = np.clip(1 - (1 - squared) / (draws * squared), 0.0, 1.0)
    among: NDArray[np.float64] = np.atleast_2d(explained.T @ explained / draws)
    directions: FloatArray = np.einsum("kj,jpt->kpt", np.linalg.pinv(among, hermitian=True), kept * covariance)
    return directions


def _newton_step(
    at: Callable[[FloatArray], FloatArray],
    measure: Measure,
    shift: FloatArray,
    residual: FloatArray,
    spread: FloatArray,
) -> FloatArray:
    """The step of each draw towards its targets, from finite differences, bounded in standard deviations."""
    here = measure(at(shift))
    slopes = np.empty((*shift.shape, shift.shape[1]))
    for column, width in enumerate(1e-3 * spread):
        moved = shift.copy()
        moved[:, column] += width
        slopes[:, :, column] = (measure(at(moved)) - here) / width
    step = np.einsum("dkj,dj->dk", np.linalg.pinv(slopes, rcond=1e-6), residual)
    bound = LARGEST_STEP * spread
    shrinkage = np.minimum(1.0, 1 / np.maximum(np.abs(step / bound).max(axis=1, keepdims=True), 1e-12))
    bounded: FloatArray = step * shrinkage
    return bounded
