"""Relative errors of forecasters on the folds known at a cutoff, and how much independent evidence they are.

The error of a forecaster is compared with the median error of all forecasters in the same cells (series, fold, step),
so that a forecaster which needs a long history is not judged on easier months. Series that are hit by the same shocks
are less evidence than independent ones. The number of independent series is estimated from how far excess errors cancel
when they are added over the series: the ratio of a sum of variances to the variance of the sum.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray, RealArray

# Dependence between series is estimated from forecasters known for this share of the cells.
NEARLY_ALL = 0.9
FEWEST_FOLDS = 2
# A standard error needs some folds.
FEWEST_FOLDS_OF_ERRORS = 6


@dataclass(frozen=True, slots=True)
class WeightConstants:
    """The constants of the weights. `make bench-transfer` chooses the first three on all panels but one, in turn.

    `tolerance` is the excess of a forecaster's relative error, a logarithm, at which its weight falls by a factor of
    e^0.5. `lead` is the lead of equal weights over prior weights, the logarithm of the ratio of errors, at which both
    count for half, `lead_scale` the scale of the logistic function around it. After `independent_months` (months of the
    record times independent series) an error counts for half, beyond `certain` standard errors in full. After
    `calendar_months` of the record a lead counts for half, however many series there are. Scaled errors are capped at
    `cap`: one large error must not dominate the weights for years.
    """

    tolerance: float = 0.05
    lead: float = 0.006
    independent_months: float = 300.0
    lead_scale: float = 0.001
    calendar_months: float = 24.0
    certain: float = 5.0
    cap: float = 2.0


@dataclass(frozen=True)
class Evidence:
    """The record of the forecasters known at a cutoff.

    `log_error` (forecasters,) is the logarithm of the error over the median forecaster's, zero where unknown, and
    `standard_error` (forecasters,) its standard error; `coverage` (forecasters,) is the share of the cells in which a
    forecaster is known, relative to the best known one; `months` are those of the record; `independent_series` is the
    number of independent series to which the panel is equivalent.
    """

    log_error: FloatArray
    standard_error: FloatArray
    coverage: FloatArray
    months: float
    independent_series: float


class ErrorRecord:
    """Scaled absolute errors by forecaster and fold, added up as months become known.

    The arguments are those of `combine`. Folds are asked for in ascending order; `news` then holds the earlier folds of
    which months became known since the fold before, with a mask of their steps. A series counts at a fold if it has a
    scale there: the errors of one that ended or collapsed since are excluded, those before included.
    """

    def __init__(
        self, means: FloatArray, actuals: FloatArray, scale: FloatArray, cutoffs: NDArray[np.int64], cap: float
    ) -> None:
        """See the class; scaled errors are capped at `cap`."""
        series, forecasters, folds, horizon = means.shape
        self.news: list[tuple[int, NDArray[np.bool_]]] = []
        self._means, self._actuals, self._scale, self._cutoffs, self._cap = means, actuals, scale, cutoffs, cap
        self._target = cutoffs[:, None] + 1 + np.arange(horizon)
        self._counted = np.zeros((folds, horizon), dtype=bool)
        self._errors = np.zeros((series, forecasters, folds), dtype=np.float32)
        self._reference = np.zeros((series, forecasters, folds), dtype=np.float32)
        self._cells = np.zeros((series, forecasters, folds), dtype=np.int16)
        # By forecaster and fold, summed over the series that count: cells, errors, reference errors, their squares and
        # product.
        self._sums = np.zeros((6, forecasters, folds))
        self._series = 0

    def known_at(self, fold: int) -> Evidence:
        """The evidence of the months known at a fold's cutoff."""
        newly_known = (self._target <= self._cutoffs[fold]) & ~self._counted
        newly_known[fold:] = False
        self._counted |= newly_known
        self.news = [(int(earlier), newly_known[earlier]) for earlier in np.flatnonzero(newly_known.any(axis=1))]
        for earlier, steps in self.news:
            self._add(earlier, steps)
        self._sum_over(self.counting(fold))
        cells, errors, reference = self._sums[:3].sum(axis=2)
        known = (cells > 0) & (reference > 0)
        if not known.any():
            nothing = np.zeros(len(cells))
            return Evidence(nothing, nothing + np.inf, nothing, 0.0, 1.0)
        ratio = np.divide(errors, reference, out=np.ones(len(cells)), where=known)
        coverage = np.where(known, cells / cells.max(), 0.0)
        months = float(self._cutoffs[fold] - self._cutoffs[0])
        return Evidence(
            log_error=np.log(np.maximum(ratio, 1e-6)),
            standard_error=self._standard_error(ratio, errors),
            coverage=coverage,
            months=months,
            independent_series=self._independent_series(ratio, coverage),
        )

    def _add(self, fold: int, steps: NDArray[np.bool_]) -> None:
        """Add the errors of a fold at the steps newly known."""
        means, actuals = self._means[:, :, fold, steps], self._actuals[:, fold, steps]
        errors = capped_errors(means.swapaxes(0, 1), actuals, self._scale[:, fold], self._cap).swapaxes(0, 1)
        known = np.isfinite(errors)
        reference = np.where(known, median_known(errors)[:, None], 0.0)
        self._errors[:, :, fold] += np.where(known, errors, 0.0).sum(axis=2)
        self._reference[:, :, fold] += reference.sum(axis=2)
        self._cells[:, :, fold] += known.sum(axis=2, dtype=np.int16)

    def counting(self, fold: int) -> NDArray[np.bool_]:
        """The series that count at a fold, shape (series,)."""
        return np.isfinite(self._scale[:, fold])

    def _sum_over(self, counting: NDArray[np.bool_]) -> None:
        """Sum the record over the series that count."""
        cells, own, usual = (values[counting] for values in (self._cells, self._errors, self._reference))
        self._series = int(cells.any(axis=(1, 2)).sum())
        self._sums[0] = cells.sum(axis=0)
        self._sums[1:3] = own.sum(axis=0, dtype=np.float64), usual.sum(axis=0, dtype=np.float64)
        for place, (left, right) in enumerate(((own, own), (own, usual), (usual, usual)), start=3):
            self._sums[place] = np.einsum("skf,skf->kf", left, right, dtype=np.float64)

    def _standard_error(self, ratio: FloatArray, errors: FloatArray) -> FloatArray:
        """Standard errors (forecasters,) of log ratios of sums over overlapping folds (Newey & West 1987)."""
        excess = self._sums[1] - ratio[:, None] * self._sums[2]
        folds = np.flatnonzero(self._counted.any(axis=1))
        excess = excess[:, folds]
        variance = np.square(excess).sum(axis=1)
        lags = min(self._counted.shape[1] // 2, len(folds) // 3)
        for lag in range(1, lags + 1):
            variance += 2 * (1 - lag / (lags + 1)) * (excess[:, lag:] * excess[:, :-lag]).sum(axis=1)
        # One degree of freedom is lost to the ratio.
        variance *= len(folds) / max(len(folds) - 1, 1)
        relative: FloatArray = np.sqrt(np.maximum(variance, 0.0)) / np.maximum(errors, 1e-12)
        return relative if len(folds) >= FEWEST_FOLDS_OF_ERRORS else np.full(len(ratio), np.inf)

    def _independent_series(self, ratio: FloatArray, coverage: FloatArray) -> float:
        """How many independent series the panel is worth, between 1 and their number."""
        used = coverage >= NEARLY_ALL
        _, errors, reference, squares, products, reference_squares = self._sums[:, used]
        if np.count_nonzero((reference > 0).any(axis=0)) < FEWEST_FOLDS:
            return 1.0
        own = ratio[used, None]
        apart = float((squares - 2 * own * products + own**2 * reference_squares).sum())
        together = float(np.square(errors - own * reference).sum())
        return float(np.clip(self._series * apart / together, 1.0, self._series)) if together > 0 else 1.0


def capped_errors(means: RealArray, actuals: FloatArray, scale: FloatArray, cap: float) -> FloatArray:
    """Scaled absolute errors, at most `cap`, shape (methods, series, steps); NaN where unknown or without a scale.

    `means` has shape (methods, series, steps), `actuals` (series, steps), `scale` (series,).
    """
    # A series that never changed has no scale and no influence on the weights.
    usable = np.where(scale > 0, scale, np.nan)[:, None]
    return np.minimum(np.abs(means - actuals) / usable, cap)


def median_known(errors: FloatArray) -> FloatArray:
    """The median over forecasters (axis 1) of those of `errors` (series, forecasters, steps) that are not NaN."""
    # Sorting puts NaN last; numpy's nanmedian is some thirty times slower.
    ranked = np.sort(errors, axis=1)
    count = np.isfinite(errors).sum(axis=1, keepdims=True)
    low, high = (np.take_along_axis(ranked, np.maximum(place, 0), axis=1) for place in ((count - 1) // 2, count // 2))
    median: FloatArray = ((low + high) / 2)[:, 0]
    return median
