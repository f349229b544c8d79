"""The distribution of forecast errors: scale by series and step, shape, and dependence.

Everything is estimated from the out-of-sample errors known at a cutoff, on the arsinh scale. The scale of a series at a
step is its own scale times a growth curve over the steps shared by the panel; the shape is the pooled distribution of
the standardised errors; dependence over steps and across series is a correlation of them.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.special import ndtr, ndtri, stdtrit

from forecasting.evaluation.chunks import error_blocks
from forecasting.types import FloatArray
from forecasting.uncertainty.error_scale import ErrorScale, KnownErrors, estimate_error_scale
from forecasting.uncertainty.error_scale_calibration import calibrate
from forecasting.uncertainty.informed_scale import informed_factors

SHAPE_PROBABILITIES = np.concatenate(([0.001, 0.002, 0.005], np.arange(0.01, 0.991, 0.01), [0.995, 0.998, 0.999]))
CLIP = 4.0
# Degrees of freedom of the prior tails (with four, the mean absolute value is one, as for standardised errors), and the
# number of folds times series that weigh as much as that prior.
TAIL_DEGREES_OF_FREEDOM, SHAPE_PRIOR_FOLDS = 4, 200
RANK = 60
# A scale estimated on few folds is uncertain: this over their number is added to the variance of the draws.
SCALE_UNCERTAINTY = 0.4
# Standard deviation of the logarithm of the scale around its forecast, and points that its distribution is computed on.
SCALE_DEVIATION, DEVIATION_POINTS, SHAPE_POINTS = 0.2, 9, 1000
# The shape of errors is pooled over so many series at most, every second, third and so on of a larger panel: more do
# not change it, and sorting their errors takes several times the memory of these.
MOST_SHAPE_SERIES = 2_000


@dataclass(frozen=True)
class Marginals:
    """Scale and shape of forecast errors on the arsinh scale.

    `width` is the mean absolute error, shape (series, horizon); `shape` has the quantiles of the errors in units of it
    at SHAPE_PROBABILITIES.
    """

    width: FloatArray
    shape: FloatArray

    def standardised(self, probabilities: FloatArray) -> FloatArray:
        """The pooled quantile function of standardised errors, extrapolated with its own tails' slope."""
        return self.of_normal(ndtri(probabilities))

    def of_normal(self, normal: FloatArray) -> FloatArray:
        """Standardised errors at the quantiles of standard normal values."""
        known: FloatArray = ndtri(SHAPE_PROBABILITIES)
        inside: FloatArray = np.interp(normal, known, self.shape)
        low, high = normal < known[0], normal > known[-1]
        inside[low] = self.shape[0] * normal[low] / known[0]
        inside[high] = self.shape[-1] * normal[high] / known[-1]
        return inside


@dataclass(frozen=True)
class ErrorDistribution:
    """The marginals and their dependence.

    `loadings` (series, factors) and `specific` (series,) give unit variances and the correlation across series; `steps`
    (horizon, horizon) is the lower Cholesky factor of the correlation over steps.
    """

    marginals: Marginals
    loadings: FloatArray
    specific: FloatArray
    steps: FloatArray


def learn_marginals(known_errors: KnownErrors) -> Marginals:
    """Scale of the months ahead and shape of errors, from known errors."""
    scale = estimate_error_scale(known_errors)
    return _marginals(scale, known_errors, scale)


def learn_distribution(
    known_errors: KnownErrors,
    forecast_scale: FloatArray | None = None,
    informed: NDArray[np.bool_] | None = None,
) -> ErrorDistribution:
    """The error distribution from known errors; dependence over steps weighs all folds equally.

    With `forecast_scale` (series, folds, horizon), the scale forecast at its folds, the scale of the months ahead is
    calibrated. `informed` (series, folds + 1, horizon) marks forecasts that an indicator moved, the last fold being the
    one at hand: they have a scale of their own.
    """
    scale = estimate_error_scale(known_errors)
    scores = np.nan_to_num(_standardised(scale, known_errors), copy=False)
    np.clip(scores, -CLIP, CLIP, out=scores)
    known = np.isfinite(known_errors.errors)
    steps = _over_steps(scores, known, known_errors.pooled)
    loadings, specific = _across_series(scores, known, known_errors.recency)
    del scores, known
    marginals = _marginals(
        scale, known_errors, scale if forecast_scale is None else calibrate(scale, forecast_scale, known_errors)
    )
    if forecast_scale is not None and informed is not None:
        marginals = _of_informed_steps(marginals, scale.ahead_of(known_errors), known_errors, forecast_scale, informed)
    return ErrorDistribution(marginals, loadings, specific, steps)


def _marginals(scale: ErrorScale, known_errors: KnownErrors, ahead: ErrorScale) -> Marginals:
    """The scale `ahead`, and the shape of the known errors in units of their own scale."""
    inflation = np.sqrt(1 + SCALE_UNCERTAINTY / (1 + known_errors.recency.sum()))
    rows = np.flatnonzero(known_errors.pooled)
    rows = rows[:: -(-len(rows) // MOST_SHAPE_SERIES) or 1]
    shape = with_uncertain_scale(_shape(_standardised(scale, known_errors, rows), known_errors.recency))
    return Marginals(inflation * ahead.ahead_of(known_errors), shape)


def _of_informed_steps(
    marginals: Marginals,
    plain: FloatArray,
    known_errors: KnownErrors,
    forecast_scale: FloatArray,
    informed: NDArray[np.bool_],
) -> Marginals:
    """The marginals with the own scale of informed steps; `plain` (series, horizon) is the scale not calibrated."""
    factors = informed_factors(
        known_errors,
        forecast_scale=forecast_scale,
        ratio=marginals.width / plain,
        quantiles=marginals.shape,
        probabilities=SHAPE_PROBABILITIES,
        informed=informed,
    )
    return replace(marginals, width=marginals.width * factors)


def _standardised(
    scale: ErrorScale, known_errors: KnownErrors, rows: NDArray[np.int64] | slice = slice(None)
) -> FloatArray:
    """The errors of some of the series in units of their scale, bounded."""
    found = scale.of(known_errors.months, rows)
    np.divide(known_errors.errors[rows], found, out=found)
    return np.clip(found, -3 * CLIP, 3 * CLIP, out=found)


def _shape(standardised: FloatArray, recency: FloatArray) -> FloatArray:
    """Quantiles of the pooled errors, symmetrised: a past bias does not predict the next one.

    A small sample of errors lacks the rare large ones, so quantiles are shrunk towards Student's t(4).
    """
    known = np.isfinite(standardised)
    student: FloatArray = stdtrit(TAIL_DEGREES_OF_FREEDOM, SHAPE_PROBABILITIES)
    if not known.any():
        return student
    folds = int(known.any(axis=2).sum())
    weights = np.broadcast_to(recency[None, :, None], known.shape)[known]
    sizes = np.abs(standardised[known])
    order = np.argsort(sizes)
    # The two halves of the symmetric distribution mirror one another, so its quantiles follow from the sizes.
    below = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    upper: FloatArray = np.interp(np.abs(2 * SHAPE_PROBABILITIES - 1), below, sizes[order])
    empirical = np.sign(SHAPE_PROBABILITIES - 0.5) * upper
    reliability = folds / (folds + SHAPE_PRIOR_FOLDS)
    return reliability * empirical + (1 - reliability) * student


def with_uncertain_scale(shape: FloatArray) -> FloatArray:
    """Quantiles of symmetric errors with the quantiles `shape` times a lognormal factor of median one.

    The factor is the error of the scale forecast: known errors are divided by a scale that is learnt from them, and
    the scale of the months ahead differs from it.
    """
    if shape[-1] <= 0:
        return shape
    nodes, weights = np.polynomial.hermite_e.hermegauss(DEVIATION_POINTS)
    size = np.linspace(0.0, 2 * shape[-1], SHAPE_POINTS)
    known: FloatArray = ndtri(SHAPE_PROBABILITIES)
    standard = size / np.exp(SCALE_DEVIATION * nodes)[:, None]
    normal = np.where(standard > shape[-1], known[-1] * standard / shape[-1], np.interp(standard, shape, known))
    probability = weights @ ndtr(normal) / weights.sum()
    upper = np.interp(np.maximum(SHAPE_PROBABILITIES, 1 - SHAPE_PROBABILITIES), probability, size)
    mixed: FloatArray = np.sign(SHAPE_PROBABILITIES - 0.5) * upper
    return mixed


def _across_series(scores: FloatArray, known: FloatArray, recency: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Factor loadings and specific standard deviations of the correlation of recent errors, with RANK factors."""
    directions = (scores * np.sqrt(recency)[:, None]).reshape(len(scores), -1)
    counts = known.sum(axis=2) @ recency
    power = np.sqrt(np.concatenate([np.sum(directions[rows] ** 2, axis=1) for rows in error_blocks(directions)]))
    if not counts.any() or len(directions) == 1:
        return np.zeros((len(directions), 1)), np.ones(len(directions))
    directions /= np.where(power > 0, power, 1.0)[:, None]
    # A series with few folds is correlated with the others only as far as its folds overlap with theirs.
    directions *= np.sqrt(counts / counts.max())[:, None]
    loadings = _leading_factors(directions)
    specific = np.sqrt(np.maximum(1.0 - np.sum(loadings**2, axis=1), 0.0))
    return loadings, specific


def _leading_factors(directions: FloatArray) -> FloatArray:
    """The left singular vectors times the singular values of `directions` (series, errors), for the RANK largest."""
    series, errors = directions.shape
    rank = min(RANK, series, errors)
    if series <= errors:
        left, singular, _ = linalg.svd(directions, full_matrices=False)
        found: FloatArray = left[:, :rank] * singular[:rank]
        return found
    # The same from the cross products, without copies of the errors of many series.
    _, right = linalg.eigh(directions.T @ directions, subset_by_index=(errors - rank, errors - 1))
    return np.asarray(directions @ right[:, ::-1])


def _over_steps(scores: FloatArray, known: NDArray[np.bool_], pooled: NDArray[np.bool_]) -> FloatArray:
    """Cholesky factor of the correlation over steps, which depends on the ratio of the steps; of the `pooled` series.

    The correlation of steps h < k is (1 - nugget) (h / k)^decay, a valid correlation for any decay >= 0; both
    parameters are fitted to the pooled sample correlations.
    """
    horizon = scores.shape[2]
    steps = np.arange(1, horizon + 1)
    ratio = np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps)
    both, cross, power = np.zeros((3, horizon, horizon))
    for rows in error_blocks(scores):
        chosen = pooled[rows]
        flat = scores[rows][chosen].reshape(-1, horizon)
        seen = known[rows][chosen].reshape(-1, horizon).astype(float)
        both += seen.T @ seen
        cross += flat.T @ flat
        power += (flat**2).T @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        sample = cross / np.sqrt(power * power.T)
    usable = (both >= 20) & np.isfinite(sample) & ~np.eye(horizon, dtype=bool)
    decay, nugget = _fit_correlation(ratio[usable], sample[usable], both[usable])
    correlation = (1 - nugget) * ratio**decay
    np.fill_diagonal(correlation, 1.0)
    factor: FloatArray = linalg.cholesky(correlation + 1e-9 * np.eye(horizon), lower=True)
    return factor


def _fit_correlation(ratio: FloatArray, sample: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Decay and nugget by weighted least squares over a grid; those of a random walk if nothing is known."""
    if not len(sample):
        return 0.5, 0.1
    best = (np.inf, 0.5, 0.1)
    for decay in np.linspace(0.05, 2.0, 40):
        shape = ratio**decay
        slope = np.sum(weights * shape * sample) / np.sum(weights * shape**2)
        nugget = float(np.clip(1 - slope, 0.0, 0.95))
        loss = float(np.sum(weights * (sample - (1 - nugget) * shape) ** 2))
        best = min(best, (loss, float(decay), nugget))
    return best[1], best[2]
