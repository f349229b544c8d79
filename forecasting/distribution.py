"""How wrong forecasts have been, as a distribution: its width by series and step, its shape, and what moves together.

Everything is learnt from errors of out-of-sample folds already known at a cutoff, on the link's scale. The width of a
series at a step is its own scale times a growth curve over the steps shared by the panel; the shape is the pooled
distribution of the errors so standardised; dependence over steps and across series is kept as correlations of them.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import ndtri, stdtrit

from forecasting.history import FloatArray

# Errors of a series count as much as this many errors of the panel when its scale is estimated.
SHRINKAGE = 4.0
# Months after which an error counts for half: calm and stormy times last about so long.
HALF_LIFE = 12.0
SHAPE_PROBABILITIES = np.concatenate(([0.001, 0.002, 0.005], np.arange(0.01, 0.991, 0.01), [0.995, 0.998, 0.999]))
CLIP = 4.0
# The tails that are assumed where errors are few, in degrees of freedom (with four, the mean absolute value is one, as
# standardised errors have it), and how many folds of series are few.
HEAVY, FEW = 4, 100
RANK = 60


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
        normal: FloatArray = ndtri(probabilities)
        known: FloatArray = ndtri(SHAPE_PROBABILITIES)
        inside = np.interp(normal, known, self.shape)
        low = self.shape[0] * normal / known[0]
        high = self.shape[-1] * normal / known[-1]
        return np.where(normal < known[0], low, np.where(normal > known[-1], high, inside))


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


def prior_scale(linked: FloatArray) -> FloatArray:
    """A first scale of each series' errors, shape (series,), from its changes on a year ago (on the link's scale).

    A series shorter than a year takes its changes on the month before, and the median of the others if it has none.
    """
    with np.errstate(invalid="ignore"):
        yearly = _mean_abs(linked[:, 12:] - linked[:, :-12]) if linked.shape[1] > 12 else np.full(len(linked), np.nan)
        monthly = _mean_abs(np.diff(linked, axis=1))
    scale = np.where(np.isfinite(yearly), yearly, monthly)
    usual = np.nanmedian(scale) if np.isfinite(scale).any() else 1.0
    return np.where(np.isfinite(scale), scale, usual)


def learn_widths(errors: FloatArray, prior: FloatArray, ages: FloatArray | None = None) -> FloatArray:
    """Mean absolute error by series and step, shape (series, horizon), from errors (series, folds, horizon).

    NaN marks what is not known yet. `ages` (folds,) are the months since each fold's cutoff: an error counts for half
    as much every HALF_LIFE of them, or all alike if they are not given. Without any error known the prior is the width,
    growing with the root of the root of the step.
    """
    horizon = errors.shape[2]
    size = np.abs(errors)
    known = np.isfinite(size)
    growth = np.arange(1, horizon + 1) ** 0.25
    scale = prior
    weights = known * _recency(ages, errors.shape[1])[None, :, None]
    for _ in range(3):
        scale = _shrunk_scale(size, weights, growth, prior)
        growth = _growth(size / scale[:, None, None], known)
    return scale[:, None] * growth


def _recency(ages: FloatArray | None, folds: int) -> FloatArray:
    """How much an error of each fold counts, shape (folds,)."""
    return np.ones(folds) if ages is None else np.asarray(0.5 ** (ages / HALF_LIFE))


def _shrunk_scale(size: FloatArray, weights: FloatArray, growth: FloatArray, prior: FloatArray) -> FloatArray:
    relative = np.where(weights > 0, size / growth, 0.0) * weights
    counts = weights.sum(axis=(1, 2))
    if not counts.any():
        return prior
    # Overlapping steps of a fold are one error more than many.
    folds = weights.max(axis=2).sum(axis=1)
    seen = counts > 0
    own = relative.sum(axis=(1, 2)) / np.where(seen, counts, 1.0)
    usual = float(np.exp(np.mean(np.log(np.maximum(own[seen], 1e-12) / prior[seen]))))
    share = folds / (folds + SHRINKAGE)
    scale: FloatArray = np.exp(share * np.log(np.maximum(own, 1e-12)) + (1 - share) * np.log(prior * usual))
    return scale


def _growth(relative: FloatArray, known: FloatArray) -> FloatArray:
    """The panel's mean error by step relative to step one, shape (horizon,): a power law near which the steps stay."""
    steps = np.arange(1, relative.shape[2] + 1)
    counts = known.sum(axis=(0, 1))
    means = np.where(known, relative, 0.0).sum(axis=(0, 1)) / np.maximum(counts, 1)
    usable = (counts > 0) & (means > 0)
    if usable.sum() < 2:
        return steps**0.25
    weights = np.sqrt(np.where(usable, known.any(axis=0).sum(axis=0), 0.0))
    x, y = np.log(steps), np.log(np.where(usable, means, 1.0))
    centre_x, centre_y = np.average(x, weights=weights), np.average(y, weights=weights)
    slope = np.sum(weights * (x - centre_x) * (y - centre_y)) / max(np.sum(weights * (x - centre_x) ** 2), 1e-12)
    slope = float(np.clip(slope, 0.0, 1.0))
    law = centre_y + slope * (x - centre_x)
    folds = np.where(usable, known.any(axis=0).sum(axis=0), 0)
    trust = folds / (folds + SHRINKAGE)
    curve = np.exp(np.where(usable, trust * y + (1 - trust) * law, law))
    return np.maximum.accumulate(curve) if slope > 0 else curve


def learn_marginals(errors: FloatArray, prior: FloatArray, ages: FloatArray | None = None) -> Marginals:
    """Learn widths and shape from errors (series, folds, horizon), NaN where unknown, and a first scale (series,).

    `ages` are as in `learn_widths`.
    """
    width = learn_widths(errors, prior, ages)
    return Marginals(width, _shape(_standardise(errors, width), _recency(ages, errors.shape[1])))


def learn_distribution(errors: FloatArray, prior: FloatArray, ages: FloatArray | None = None) -> ErrorDistribution:
    """Learn everything from errors (series, folds, horizon), NaN where unknown, and a first scale (series,).

    `ages` are as in `learn_widths`; what moves together is learnt from all folds alike.
    """
    marginals = learn_marginals(errors, prior, ages)
    standardised = _standardise(errors, marginals.width)
    scores = np.clip(np.nan_to_num(standardised), -CLIP, CLIP)
    known = np.isfinite(errors)
    loadings, specific = _across_series(scores, known)
    return ErrorDistribution(marginals, loadings, specific, _over_steps(scores, known))


def _standardise(errors: FloatArray, width: FloatArray) -> FloatArray:
    return np.clip(errors / width[:, None, :], -3 * CLIP, 3 * CLIP)


def _shape(standardised: FloatArray, recency: FloatArray) -> FloatArray:
    """Quantiles of the pooled errors made symmetric: a bias of the past is no forecast of the next one.

    Few errors have not yet met the large ones that trade will bring, so they share the say with Student's t.
    """
    known = np.isfinite(standardised)
    heavy: FloatArray = stdtrit(HEAVY, SHAPE_PROBABILITIES)
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
    trust = folds / (folds + FEW)
    return trust * empirical + (1 - trust) * heavy


def _across_series(scores: FloatArray, known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Factor loadings and specific standard deviations: the sample correlation, cut at RANK factors."""
    flat = scores.reshape(len(scores), -1)
    counts = known.reshape(len(known), -1).sum(axis=1)
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


def _mean_abs(changes: FloatArray) -> FloatArray:
    known = np.isfinite(changes)
    counts = known.sum(axis=1)
    total = np.where(known, np.abs(changes), 0.0).sum(axis=1)
    return np.where((counts > 0) & (total > 0), total / np.maximum(counts, 1), np.nan)
