"""The scale of forecast errors by series and step, from the out-of-sample errors known at a cutoff.

On the arsinh scale the mean absolute error is a scale of the series times a growth curve over the steps and a factor
for January and February, which the panel shares: New Year's holiday moves between the two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.evaluation.chunks import error_blocks
from forecasting.types import FloatArray

# Months of errors of a series that weigh as much as its level's mean, and months of a level as much as the panel's.
SHRINKAGE = 4.0
# Months after which the weight of an error halves: about the duration of calm and volatile periods.
HALF_LIFE = 5.0
# The scale of a series weights its errors with a long half-life. It moves to that with a short one where the two differ
# by a factor between those of REGIME_CHANGE: volatility has changed.
LONG_HALF_LIFE, SHORT_HALF_LIFE = 10.0, 4.0
REGIME_CHANGE = (1.4, 2.3)
# A series whose recent MAE is below this share of its prior scale, over at least so many folds, is inactive and
# excluded from pooling.
INACTIVE_SHARE, INACTIVE_FOLDS = 0.02, 6
# Years of errors in January and February that weigh as much as the prior that they are like other months.
NEW_YEAR_PRIOR_YEARS = 2.0
NEW_YEAR_MONTHS = 2
# A scale is never zero, because errors are divided by it.
TINY = 1e-12
# Before any error is known, every step adds this share of the first one's variance, as in a local level model. A growth
# estimated from many folds is often that of one boom or crisis.
PRIOR_GROWTH = 0.15
# The weight of an error in the scale falls with this power of its step: errors of far steps overlap and are few.
STEP_POWER = 0.5
# The exponent of growth with the step that a delay widens intervals by at least.
LEAST_SLOPE = 0.25
# Errors above this many times their mean count as this many in the factor of January and February.
LARGEST_RELATIVE = 4.0


@dataclass(frozen=True)
class KnownErrors:
    """The errors known at a cutoff.

    `errors` has shape (series, folds, horizon), on the arsinh scale, NaN where not known yet; `cutoffs` (folds,) and
    `cutoff`, at which they are known, are month numbers since January 1970; `prior` (series,) is a prior scale;
    `aggregation_level` (series,) is equal for series that are pooled with one another. `fold_errors` are the errors in
    the units of their own folds, where these differ; `representative` (series,) marks the series that are pooled, by
    default all; `delay` (series,) the unusual months of delay of their last value; `new_year` is whether January and
    February have a factor.
    """

    errors: FloatArray
    cutoffs: NDArray[np.int64]
    cutoff: int
    prior: FloatArray
    aggregation_level: NDArray[np.int64]
    fold_errors: FloatArray | None = None
    representative: NDArray[np.bool_] | None = None
    delay: FloatArray | None = None
    new_year: bool = True

    @property
    def span(self) -> FloatArray:
        """The months that each fold represents, shape (folds,): those until the next fold."""
        # Frequent old folds must not outweigh infrequent recent ones.
        return np.diff(np.append(self.cutoffs, self.cutoff)).astype(np.float64)

    @property
    def recency(self) -> FloatArray:
        """The weight of the errors of each fold, shape (folds,)."""
        return self.halved_after(HALF_LIFE)

    def halved_after(self, months: float) -> FloatArray:
        """The months that each fold represents, shape (folds,), with a weight that halves every `months`."""
        return self.span * 0.5 ** ((self.cutoff - self.cutoffs) / months)

    @cached_property
    def recent_size(self) -> FloatArray:
        """The recency-weighted mean absolute error, shape (series,); NaN where none is known."""
        known = np.isfinite(self.errors)
        counts = known.sum(axis=2) @ self.recency
        blocks = error_blocks(self.errors)
        sums = [np.where(known[rows], np.abs(self.errors[rows]), 0.0).sum(axis=2) for rows in blocks]
        total = np.concatenate(sums) @ self.recency
        return np.where(counts > 0, total / np.where(counts > 0, counts, 1.0), np.nan)

    @cached_property
    def inactive(self) -> NDArray[np.bool_]:
        """Series whose recent errors are almost zero because they ended or are constant, shape (series,)."""
        enough = np.isfinite(self.errors).any(axis=2).sum(axis=1) >= INACTIVE_FOLDS
        return np.asarray(enough & (self.recent_size < INACTIVE_SHARE * self.prior))

    @property
    def months(self) -> NDArray[np.int64]:
        """The months the errors are of, shape (folds, horizon)."""
        return self.cutoffs[:, None] + 1 + np.arange(self.errors.shape[2])

    @cached_property
    def pooled(self) -> NDArray[np.bool_]:
        """Series from which the properties shared by all are estimated, shape (series,)."""
        active = ~self.inactive
        chosen = active if self.representative is None else active & self.representative
        return chosen if (chosen & np.isfinite(self.errors).any(axis=(1, 2))).any() else active

    @property
    def ahead(self) -> NDArray[np.int64]:
        """The months after the cutoff, shape (horizon,)."""
        return self.cutoff + 1 + np.arange(self.errors.shape[2])


@dataclass(frozen=True)
class ErrorScale:
    """A scale for each series (series,), its growth over the steps (horizon,), and the January-February factor."""

    scale: FloatArray
    growth: FloatArray
    new_year: float

    def of(self, months: NDArray[np.int64], rows: NDArray[np.int64] | slice = slice(None)) -> FloatArray:
        """The scale of some series at months (..., horizon), numbers since January 1970: (series, ..., horizon)."""
        width: FloatArray = np.multiply.outer(self.scale[rows], self.curve(months))
        return width

    def curve(self, months: NDArray[np.int64]) -> FloatArray:
        """The scale at months (..., horizon) relative to that of the series, same shape."""
        return self.growth * np.where(_new_year(months), self.new_year, 1.0)

    def ahead_of(self, known_errors: KnownErrors) -> FloatArray:
        """The scale of the months ahead, shape (series, horizon); a delayed series' is that of as many steps more."""
        width = self.of(known_errors.ahead)
        if known_errors.delay is None or not known_errors.delay.any():
            return width
        steps = np.arange(1, len(self.growth) + 1)
        slope = np.log(self.growth[-1] / self.growth[0]) / np.log(len(steps)) if len(steps) > 1 else 0.0
        widened: FloatArray = width * (1 + known_errors.delay[:, None] / steps) ** np.clip(slope, LEAST_SLOPE, 1.0)
        return widened


def prior_scale(transformed: FloatArray) -> FloatArray:
    """A prior scale of each series' errors, shape (series,), from its changes on a year ago on the arsinh scale.

    A series shorter than a year uses its changes on the month before, one without changes the median of the others.
    """
    with np.errstate(invalid="ignore"):
        yearly = (
            _mean_abs(transformed[:, MONTHS_PER_YEAR:] - transformed[:, :-MONTHS_PER_YEAR])
            if transformed.shape[1] > MONTHS_PER_YEAR
            else None
        )
        monthly = _mean_abs(np.diff(transformed, axis=1))
    scale = monthly if yearly is None else np.where(np.isfinite(yearly), yearly, monthly)
    usual = np.nanmedian(scale) if np.isfinite(scale).any() else 1.0
    return np.where(np.isfinite(scale), scale, usual)


def estimate_error_scale(known_errors: KnownErrors) -> ErrorScale:
    """The error scale from known errors.

    Without known errors the scale is the prior, growing as in a local level model. Scale, growth and factor are
    each a mean of the errors relative to the other two, computed in turn. An inactive series keeps the scale of its own
    errors and is excluded from the estimates of the others.
    """
    known = np.isfinite(known_errors.errors) & ~known_errors.inactive[:, None, None]
    pooled = known & known_errors.pooled[:, None, None]
    new_year, shape = _new_year(known_errors.months), known_errors.errors.shape[1:]
    found = ErrorScale(known_errors.prior, _prior_growth(shape[1]), 1.0)
    for _ in range(3):
        scale = _scale(known_errors, known, found.curve(known_errors.months))
        relative = _Relative(known_errors.errors, pooled, scale)
        growth = _growth(relative.to(np.where(new_year, found.new_year, 1.0)), shape, known_errors.span)
        factor = _new_year_factor(relative.to(growth), known_errors.months) if known_errors.new_year else 1.0
        found = ErrorScale(scale, growth, factor)
    scale = _scale(known_errors, known, found.curve(known_errors.months))
    return replace(found, scale=np.where(known_errors.inactive, np.maximum(known_errors.recent_size, TINY), scale))


class _Relative(NamedTuple):
    """Sizes of errors (series, folds, horizon) relative to the scale (series,), zero where they are not `pooled`."""

    errors: FloatArray
    pooled: NDArray[np.bool_]
    scale: FloatArray

    def to(self, curve: FloatArray) -> Iterator[tuple[FloatArray, NDArray[np.bool_]]]:
        """Blocks of the series: relative to a curve (folds, horizon) or (horizon,) too, and which are pooled."""
        for rows in error_blocks(self.errors):
            relative = _sizes(self.errors[rows], self.pooled[rows])
            relative /= self.scale[rows, None, None]
            relative /= curve
            yield relative, self.pooled[rows]


def _sizes(errors: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Absolute errors, zero where they are not known."""
    size: FloatArray = np.abs(errors)
    size[~known] = 0.0
    return size


def _scale(known_errors: KnownErrors, known: NDArray[np.bool_], curve: FloatArray) -> FloatArray:
    """Each series' mean error relative to a curve (folds, horizon), shrunk to its level's, and that to the panel's.

    Few folds are shrunk more. `known` (series, folds, horizon) are the errors that count.
    """
    errors = known_errors.errors
    weights = np.arange(1, errors.shape[2] + 1) ** -STEP_POWER
    total = known @ weights
    if not total.any():
        return known_errors.prior
    sums = np.concatenate([(_sizes(errors[rows], known[rows]) / curve) @ weights for rows in error_blocks(errors)])
    mean = sums / np.where(total > 0, total, 1.0)
    own, counts = _weighted_mean(mean, known_errors.halved_after(LONG_HALF_LIFE) * (total > 0))
    recent, _ = _weighted_mean(mean, known_errors.halved_after(SHORT_HALF_LIFE) * (total > 0))
    start, end = np.log(REGIME_CHANGE)
    change = np.log(recent / own)
    own = own * np.exp(change * np.clip((np.abs(change) - start) / (end - start), 0.0, 1.0))
    seen = counts > 0
    ratio = np.where(seen, np.log(own / known_errors.prior), 0.0)
    share = counts / (counts + SHRINKAGE)
    pooled = np.where(seen & known_errors.pooled, share, np.nan)
    usual = _level_means(pooled, ratio, known_errors.aggregation_level)
    scale: FloatArray = known_errors.prior * np.exp(share * ratio + (1 - share) * usual)
    return scale


def _weighted_mean(mean: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted means (series,) of fold means (series, folds), each fold one error, and the sums of the weights."""
    counts = weights.sum(axis=1)
    found = (mean * weights).sum(axis=1) / np.where(counts > 0, counts, 1.0)
    return np.maximum(found, TINY), counts


def _level_means(share: FloatArray, ratio: FloatArray, aggregation_level: NDArray[np.int64]) -> FloatArray:
    """The mean of each series' level (series,), shrunk towards the panel's mean; NaN shares are excluded."""
    seen = np.isfinite(share)
    panel = ratio[seen].mean() if seen.any() else 0.0
    means = np.full(len(ratio), panel)
    for level in np.unique(aggregation_level[seen]):
        inside = seen & (aggregation_level == level)
        means[aggregation_level == level] += share[inside].mean() * (ratio[inside].mean() - panel)
    return means


def _growth(
    relative: Iterable[tuple[FloatArray, NDArray[np.bool_]]], shape: tuple[int, ...], span: FloatArray
) -> FloatArray:
    """The panel's relative error by step, shape (horizon,), one at the first; `shape` is (folds, horizon).

    Each step is compared with the one before it on the series and folds that know both, as in the chain ladder of
    claims reserving (Mack 1993, ASTIN Bulletin 23): far steps are known of old folds only, whose errors may have been
    larger or smaller at every step. Each ratio is shrunk to that of a local level model. A later month is never the
    more certain one.
    """
    folds, horizon = shape
    sums, anywhere = np.zeros((2, folds, horizon - 1)), np.zeros((folds, horizon - 1), dtype=bool)
    for values, known in relative:
        both = known[..., 1:] & known[..., :-1]
        anywhere |= both.any(axis=0)
        for place, part in enumerate((values[..., :-1], values[..., 1:])):
            sums[place] += np.where(both, part, 0.0).sum(axis=0)
    steps = np.arange(1, horizon + 1)
    before, after = span @ sums[0], span @ sums[1]
    usable = (before > 0) & (after > 0)
    found = np.log(np.divide(after, before, out=np.ones_like(after), where=usable))
    # Errors h months ahead overlap: those of h months of cutoffs are about one outcome.
    months = np.where(usable, span @ anywhere, 0.0)
    trust = months / (months + SHRINKAGE * steps[1:])
    links = trust * found + (1 - trust) * np.diff(np.log(_prior_growth(horizon)))
    return np.maximum.accumulate(np.exp(np.concatenate([[0.0], np.cumsum(links)])))


def _prior_growth(horizon: int) -> FloatArray:
    """The error by step relative to the first in a local level model (Harvey 1989), shape (horizon,)."""
    growth: FloatArray = np.sqrt(1 + PRIOR_GROWTH * np.arange(horizon))
    return growth


def _new_year_factor(relative: Iterable[tuple[FloatArray, NDArray[np.bool_]]], months: NDArray[np.int64]) -> float:
    """Ratio of the mean relative error in January and February to other months, shrunk to 1 by years known."""
    size, counts = np.zeros(months.shape), np.zeros(months.shape, dtype=np.int64)
    for values, known in relative:
        totals, numbers = values.sum(axis=(1, 2)), known.sum(axis=(1, 2))
        mean = np.where(totals > 0, totals / np.maximum(numbers, 1), 1.0)
        # One error must not determine the factor.
        size += np.minimum(values / mean[:, None, None], LARGEST_RELATIVE).sum(axis=0)
        counts += known.sum(axis=0)
    inside_new_year = _new_year(months)
    inside, outside = counts[inside_new_year].sum(), counts[~inside_new_year].sum()
    if not (inside and outside and size[inside_new_year].any() and size[~inside_new_year].any()):
        return 1.0
    years = len(np.unique(months[inside_new_year & (counts > 0)] // MONTHS_PER_YEAR))
    ratio = (size[inside_new_year].sum() / inside) / (size[~inside_new_year].sum() / outside)
    return float(ratio ** (years / (years + NEW_YEAR_PRIOR_YEARS)))


def _new_year(months: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether months, numbers since January 1970, are a January or a February."""
    return np.asarray(months % MONTHS_PER_YEAR < NEW_YEAR_MONTHS)


def _mean_abs(changes: FloatArray) -> FloatArray:
    known = np.isfinite(changes)
    counts = known.sum(axis=1)
    total = np.where(known, np.abs(changes), 0.0).sum(axis=1)
    return np.where((counts > 0) & (total > 0), total / np.maximum(counts, 1), np.nan)
