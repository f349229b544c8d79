"""Joint paths given a condition: the conditional distribution of a forecast, coherent in every draw.

Three kinds of condition. A value holds in every draw: the draws are moved along their regression on the condition,
on the arsinh scale, until it holds exactly (Matheron's rule, as in the ensemble Kalman filter; Evensen 1994, Journal of
Geophysical Research 99). A bound keeps the draws inside it; where too few are, values are drawn from the tail and
imposed. A mean reweights the draws as little as possible, so that uncertainty stays (entropic tilting; Robertson,
Tallman and Whiteman 2005, Journal of Money, Credit and Banking 37).

Only parts that are no sums are moved: sums follow from them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cancellation import check_cancelled
from forecasting.errors import Contradiction
from forecasting.types import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
# The share of the usual level below which the arsinh scale is linear.
LINEAR_SHARE = 0.05
ITERATIONS, TOLERANCE, LARGEST_STEP, DIFFERENCE = 40, 1e-6, 3.0, 1e-3
# A ridge of a Newton step, as a share of the sum of squares of its derivatives.
RIDGE = 1e-12
# Draws that may miss the condition and are left out; more is a contradiction.
LOST_SHARE = 0.05
ENOUGH_DRAWS = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """The quantities that conditions are about.

    `weights` (sums, parts) give the sums of parts that they depend on; `of_sums` maps paths of these sums, shape
    (sums, draws, steps), to the quantities, shape (draws, conditions); `names` say them in errors.
    """

    names: Sequence[str]
    weights: FloatArray = field(repr=False)
    of_sums: Callable[[FloatArray], FloatArray]

    def __call__(self, paths: FloatArray) -> FloatArray:
        """The quantities in paths (parts, draws, steps), shape (draws, conditions)."""
        return self.of_sums(self.sums(paths[self.used]))

    @property
    def used(self) -> BoolArray:
        """The parts that the quantities depend on, shape (parts,)."""
        found: BoolArray = np.any(self.weights != 0, axis=0)
        return found

    def sums(self, paths: FloatArray) -> FloatArray:
        """The sums, shape (sums, draws, steps), in paths of the parts that are used."""
        found: FloatArray = np.tensordot(self.weights[:, self.used], paths, axes=1)
        return found


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
    stated = measure(paths)
    spread = stated.std(axis=0)
    if not (spread > 0).all():
        observed = measure.names[int(np.argmin(spread))]
        raise Contradiction(f"{observed} is the same in every draw: it is observed already, or fixed by a condition")
    space = _Space.of(paths, stated)
    shift = _shift(measure, space.among(measure.used), targets - stated, targets, spread)
    found = space.at(shift)
    residual = (targets - measure(found)) / spread
    met = (np.abs(residual) <= 100 * TOLERANCE).all(axis=1)
    if met.mean() < 1 - LOST_SHARE:
        raise Contradiction(_unmet(measure, targets, residual, met))
    return Conditioned(found[:, met], float(met.sum()), "Gaussian conditional on the arsinh scale")


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


def tilt(paths: FloatArray, measure: Measure, means: FloatArray, *, seed: int) -> Conditioned | None:
    """Paths resampled with the weights closest to equal that give the quantities the means (conditions,).

    None where the weights leave too few effective draws.
    """
    weights = tilting_weights(measure(paths), means)
    effective = float(1 / np.square(weights).sum())
    if effective < ENOUGH_DRAWS:
        return None
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


@dataclass(frozen=True, slots=True)
class _Space:
    """The arsinh scale of paths, and the directions in which they move with the quantities of conditions.

    `state` has shape (parts, draws, steps), `unit` and `lower` (parts, 1, 1), `directions` (conditions, parts, steps).
    """

    state: FloatArray
    unit: FloatArray
    lower: FloatArray
    directions: FloatArray

    @classmethod
    def of(cls, paths: FloatArray, stated: FloatArray) -> "_Space":
        unit = _unit(paths)
        state = np.arcsinh(paths / unit)
        lower = np.where(paths.min(axis=(1, 2)) >= 0, 0.0, -np.inf)[:, None, None]
        return cls(state, unit, lower, _directions(state, stated))

    def among(self, parts: BoolArray) -> "_Space":
        """The same of some parts."""
        return _Space(self.state[parts], self.unit[parts], self.lower[parts], self.directions[:, parts])

    def of_draws(self, draws: IntArray) -> "_Space":
        """The same of some draws."""
        return replace(self, state=self.state[:, draws])

    def at(self, shift: FloatArray) -> FloatArray:
        """Paths after shifts (draws, conditions) of the quantities."""
        moved = self.state + np.einsum("kpt,dk->pdt", self.directions, shift)
        found: FloatArray = np.maximum(self.unit * np.sinh(moved), self.lower)
        return found

    def slopes(self, moved: FloatArray) -> FloatArray:
        """The derivative of paths by their state; zero where the lower bound holds them."""
        return np.where(moved > self.lower, np.sqrt(np.square(moved) + np.square(self.unit)), 0.0)


def _shift(measure: Measure, space: _Space, first: FloatArray, targets: FloatArray, spread: FloatArray) -> FloatArray:
    """The shift of each draw that meets its targets, shape (draws, conditions), by Newton's method from `first`."""
    shift = first.copy()
    left = np.arange(len(shift))
    for _ in range(ITERATIONS):
        check_cancelled()
        rest = space.of_draws(left)
        moved = rest.at(shift[left])
        residual = targets[left] - measure.of_sums(measure.sums(moved))
        far = (np.abs(residual) > TOLERANCE * spread).any(axis=1)
        if not far.any():
            break
        left, moved, residual = left[far], moved[:, far], residual[far]
        shift[left] += _newton_step(measure, rest, moved, residual, spread)
    return shift


def _unmet(measure: Measure, targets: FloatArray, residual: FloatArray, met: BoolArray) -> str:
    """The condition that is furthest from being met, in standard deviations, with its target."""
    worst = int(np.argmax(np.abs(residual[~met]).mean(axis=0)))
    share = 1 - met.mean()
    return f"{measure.names[worst]} cannot be {targets[:, worst].mean():.6g} in {100 * share:.0f} % of the draws"


def _unit(paths: FloatArray) -> FloatArray:
    """The unit of the arsinh scale of each part, shape (parts, 1, 1)."""
    usual = np.median(np.abs(paths), axis=(1, 2))
    floor = max(float(usual.max()), 1e-9) * 1e-6
    unit: FloatArray = (LINEAR_SHARE * np.maximum(usual, floor))[:, None, None]
    return unit


def _directions(state: FloatArray, stated: FloatArray) -> FloatArray:
    """Regression coefficients of the state (parts, draws, steps) on the quantities, shape (conditions, parts, steps).

    Correlations that this number of draws cannot tell from zero are shrunk towards it.
    """
    draws = stated.shape[0]
    explained = stated - stated.mean(axis=0)
    centred = state - state.mean(axis=1, keepdims=True)
    covariance = np.einsum("pdt,dk->kpt", centred, explained) / draws
    spread = np.sqrt(np.einsum("pdt,pdt->pt", centred, centred) / draws)
    deviations = np.maximum(spread, 1e-12)[None] * explained.std(axis=0)[:, None, None]
    squared = np.clip(np.square(covariance / deviations), 1e-12, 1.0)
    kept = np.clip(1 - (1 - squared) / (draws * squared), 0.0, 1.0)
    among: NDArray[np.float64] = np.atleast_2d(explained.T @ explained / draws)
    directions: FloatArray = np.einsum("kj,jpt->kpt", np.linalg.pinv(among, hermitian=True), kept * covariance)
    return directions


def _newton_step(
    measure: Measure, space: _Space, moved: FloatArray, residual: FloatArray, spread: FloatArray
) -> FloatArray:
    """The step of each draw towards its targets, bounded in standard deviations, shape (draws, conditions)."""
    sums, slopes = measure.sums(moved), space.slopes(moved)
    here = measure.of_sums(sums)
    derivatives = np.empty((*residual.shape, residual.shape[1]))
    for column, width in enumerate(DIFFERENCE * spread):
        tangents = measure.sums(space.directions[column][:, None] * slopes)
        derivatives[:, :, column] = (measure.of_sums(sums + width * tangents) - here) / width
    step = _solve(derivatives, residual)
    bound = LARGEST_STEP * spread
    shrinkage = np.minimum(1.0, 1 / np.maximum(np.abs(step / bound).max(axis=1, keepdims=True), 1e-12))
    bounded: FloatArray = step * shrinkage
    return bounded


def _solve(matrices: FloatArray, right: FloatArray) -> FloatArray:
    """Least-squares solutions (n, k) of square systems (n, k, k); directions of no effect get none.

    By normal equations with a ridge (Tikhonov), several times as fast as pseudo-inverses of many small matrices.
    """
    transposed = matrices.transpose(0, 2, 1)
    squares = transposed @ matrices
    ridge = np.maximum(RIDGE * np.trace(squares, axis1=1, axis2=2), np.finfo(np.float64).tiny)
    squares += ridge[:, None, None] * np.eye(matrices.shape[2])
    solved = np.linalg.solve(squares, transposed @ right[:, :, None])
    return np.asarray(solved[:, :, 0], dtype=np.float64)
