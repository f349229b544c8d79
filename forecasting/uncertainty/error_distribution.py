"""How wrong forecasts have been, as a distribution: its width by series and step, its shape, and what moves together.

Everything is learnt from errors of out-of-sample folds already known at a cutoff, on the link's scale. The width of a
series at a step is its own scale times a growth curve over the steps shared by the panel; the shape is the pooled
distribution of the errors so standardised; dependence over steps and across series is kept as correlations of them.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import ndtri, stdtrit

from forecasting.types import FloatArray
from forecasting.uncertainty.error_scale import ErrorScale, KnownErrors, estimate_error_scale
from forecasting.uncertainty.error_scale_calibration import calibrate

SHAPE_PROBABILITIES = np.concatenate(([0.001, 0.002, 0.005], np.arange(0.01, 0.991, 0.01), [0.995, 0.998, 0.999]))
CLIP = 4.0
# The tails that are assumed where errors are few, in degrees of freedom (with four, the mean absolute value is one, as
# standardised errors have it), and how many folds of series are few.
TAIL_DEGREES_OF_FREEDOM, SHAPE_PRIOR_FOLDS = 4, 200
RANK = 60
# A width that few folds told is itself unsure: so much over their number is added to the variance of what is drawn.
SCALE_UNCERTAINTY = 0.4


@dataclass(frozen=True)
class Marginals:
    """Widths and shape of forecast errors on the link's scale.

    `width` is the mean absolute error, shape (series, horizon); `shape` holds the errors in units of it at
    SHAPE_PROBABILITIES.
    """

    width: FloatArray
    shape: FloatArray

    def standardised(self, probabilities: FloatArray) -> FloatArray:
        """The pooled quantile function of standardised errors, extended by its own tails' slope."""
        return self.of_normal(ndtri(probabilities))

    def of_normal(self, normal: FloatArray) -> FloatArray:
        """Standardised errors as unlikely as these values of a standard normal variable."""
        known: FloatArray = ndtri(SHAPE_PROBABILITIES)
        inside: FloatArray = np.interp(normal, known, self.shape)
        low, high = normal < known[0], normal > known[-1]
        inside[low] = self.shape[0] * normal[low] / known[0]
        inside[high] = self.shape[-1] * normal[high] / known[-1]
        return inside


@dataclass(frozen=True)
class ErrorDistribution:
    """The marginals and what ties them together.

    `loadings` (series, factors) and `specific` (series,) give unit variances and the correlation across series;
    `steps` (horizon, horizon) is the lower Cholesky factor of the correlation over steps.
    """

    marginals: Marginals
    loadings: FloatArray
    specific: FloatArray
    steps: FloatArray


def learn_marginals(known_errors: KnownErrors) -> Marginals:
    """Widths of the months ahead, and the shape of errors, from a record."""
    widths = estimate_error_scale(known_errors)
    return _marginals(widths, known_errors, widths)


def learn_distribution(known_errors: KnownErrors, forecast_scale: FloatArray | None = None) -> ErrorDistribution:
    """Everything from a record; dependence over steps is learnt from all its folds alike.

    With the widths `said` at its folds, shape (series, folds, horizon), those of the months ahead are calibrated.
    """
    widths = estimate_error_scale(known_errors)
    scores = np.clip(np.nan_to_num(_standardised(widths, known_errors)), -CLIP, CLIP)
    known = np.isfinite(known_errors.errors)
    loadings, specific = _across_series(scores, known, known_errors.recency)
    marginals = _marginals(
        widths, known_errors, widths if forecast_scale is None else calibrate(widths, forecast_scale, known_errors)
    )
    return ErrorDistribution(marginals, loadings, specific, _over_steps(scores, known))


def _marginals(widths: ErrorScale, known_errors: KnownErrors, ahead: ErrorScale) -> Marginals:
    """The widths `ahead`, and the shape of the record's errors in units of its own `widths`."""
    unsure = np.sqrt(1 + SCALE_UNCERTAINTY / (1 + known_errors.recency.sum()))
    telling = np.where(known_errors.inactive[:, None, None], np.nan, _standardised(widths, known_errors))
    return Marginals(unsure * ahead.of(known_errors.ahead), _shape(telling, known_errors.recency))


def _standardised(widths: ErrorScale, known_errors: KnownErrors) -> FloatArray:
    return np.clip(known_errors.errors / widths.of(known_errors.months), -3 * CLIP, 3 * CLIP)


def _shape(standardised: FloatArray, recency: FloatArray) -> FloatArray:
    """Quantiles of the pooled errors made symmetric: a bias of the past is no forecast of the next one.

    Few errors have not yet met the large ones that trade will bring, so they share the say with Student's t.
    """
    known = np.isfinite(standardised)
    heavy: FloatArray = stdtrit(TAIL_DEGREES_OF_FREEDOM, SHAPE_PROBABILITIES)
    if not known.any():
        return heavy
    folds = int(known.any(axis=2).sum())
    weights = np.broadcast_to(recency[None, :, None], known.shape)[known]
    sizes = np.abs(standardised[known])
    order = np.argsort(sizes)
    # Halves of the two-sided distribution mirror one another, so its quantiles are those of the sizes.
    below = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    upper: FloatArray = np.interp(np.abs(2 * SHAPE_PROBABILITIES - 1), below, sizes[order])
    empirical = np.sign(SHAPE_PROBABILITIES - 0.5) * upper
    trust = folds / (folds + SHAPE_PRIOR_FOLDS)
    return trust * empirical + (1 - trust) * heavy


def _across_series(scores: FloatArray, known: FloatArray, recency: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Factor loadings and specific standard deviations: the correlation of late errors, cut at RANK factors."""
    flat = (scores * np.sqrt(recency)[:, None]).reshape(len(scores), -1)
    counts = known.sum(axis=2) @ recency
    power = np.sqrt(np.sum(flat**2, axis=1))
    if not counts.any() or len(flat) == 1:
        return np.zeros((len(flat), 1)), np.ones(len(flat))
    directions = flat / np.where(power > 0, power, 1.0)[:, None]
    # A series seen in few folds is tied to the others only as far as it was seen with them.
    directions *= np.sqrt(counts / counts.max())[:, None]
    left, singular, _ = linalg.svd(directions, full_matrices=False)
    rank = min(RANK, len(singular))
    loadings = left[:, :rank] * singular[:rank]
    specific = np.sqrt(np.maximum(1.0 - np.sum(loadings**2, axis=1), 0.0))
    return loadings, specific


def _over_steps(scores: FloatArray, known: FloatArray) -> FloatArray:
    """Cholesky factor of the correlation over steps: nearby steps err together, by the ratio of their distances.

    The correlation of steps h < k is (1 - nugget) (h / k)^decay, which is a valid correlation for any decay >= 0; both
    numbers are fitted to the pooled sample correlations.
    """
    horizon = scores.shape[2]
    steps = np.arange(1, horizon + 1)
    ratio = np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps)
    flat, seen = scores.reshape(-1, horizon), known.reshape(-1, horizon).astype(float)
    both = seen.T @ seen
    cross = flat.T @ flat
    power = (flat**2).T @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        sample = cross / np.sqrt(power * power.T)
    usable = (both >= 20) & np.isfinite(sample) & ~np.eye(horizon, dtype=bool)
    decay, nugget = _fit_correlation(ratio[usable], sample[usable], both[usable])
    correlation = (1 - nugget) * ratio**decay
    np.fill_diagonal(correlation, 1.0)
    factor: FloatArray = linalg.cholesky(correlation + 1e-9 * np.eye(horizon), lower=True)
    return factor


def _fit_correlation(ratio: FloatArray, sample: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Decay and nugget by weighted least squares over a grid; a random walk's errors where nothing is known."""
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
