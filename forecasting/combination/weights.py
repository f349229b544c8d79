"""The combination: the weighted pool of forecasters that is published.

Two sets of weights compete. Both reduce the weight of a forecaster whose known error is larger than the best one's; one
starts from the prior weights of the forecasters, the other from equal weights. The panel's own record decides between
them: the share of equal weights rises to one as the errors of the pool with equal weights are known to be smaller.
Errors are pooled over the panel's series, because the record of a single series is too short to tell forecasters
apart. The weighted mean is winsorised at the weighted quartiles, step by step: one extreme forecast contributes its
direction only. docs/decisions/0020-weights-by-evidence.md lists the alternatives that were tested.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from forecasting.combination.error_record import ErrorRecord, Evidence, WeightConstants, capped_errors
from forecasting.types import FloatArray, RealArray

# An error is compared with the best forecaster's only where it is known for this share of the cells.
COMPARABLE = 0.5
# Forecasts outside these weighted quantiles of the pool are moved to them.
QUARTILE = 0.25
CONSTANTS = WeightConstants()


def combine(
    means: FloatArray,
    actuals: FloatArray,
    scale: FloatArray,
    cutoffs: NDArray[np.int64],
    prior_weights: Sequence[float] | FloatArray,
    constants: WeightConstants = CONSTANTS,
) -> tuple[FloatArray, FloatArray]:
    """The pool at every fold, shape (series, folds, horizon), and its weights (series, folds, forecasters).

    `means` has shape (series, forecasters, folds, horizon), NaN where a forecaster gave none; `actuals` (series, folds,
    horizon), NaN where unknown; `scale` (series, folds) is the in-sample one known at each cutoff, zero or NaN where
    there is none; `cutoffs` are month numbers, ascending; `prior_weights` have shape (forecasters,) or (series, folds,
    forecasters). A fold's weights use the errors of months up to its cutoff. NaN where no forecaster gave a forecast.
    """
    series, forecasters, folds, _ = means.shape
    prior = np.broadcast_to(np.asarray(prior_weights, dtype=np.float64), (series, folds, forecasters))
    record = ErrorRecord(means, actuals, scale, np.asarray(cutoffs), constants.cap)
    centre = np.empty((len(means), *means.shape[2:]))
    weights = np.empty(prior.shape)
    # The pool with prior weights and the one with equal weights, at every fold, and their known errors by series.
    rivals, totals = np.empty((2, *centre.shape), dtype=np.float32), np.zeros((2, len(means)))
    for fold in range(folds):
        evidence = record.known_at(fold)
        totals += _newly_known_errors(rivals, record, actuals, scale, constants.cap)
        ahead = np.nan_to_num(means[:, :, fold])
        given = np.asarray(np.isfinite(means[:, :, fold]).all(axis=2))
        penalty = _penalty(evidence, constants)
        pair = [_normalised(start * penalty, given) for start in (prior[:, fold], np.ones(forecasters))]
        rivals[:, :, fold] = [winsorised_mean(ahead, rival_weights) for rival_weights in pair]
        share = _share_of_equal_weights(totals[:, record.counting(fold)].sum(axis=1), evidence, constants)
        weights[:, fold] = (1.0 - share) * pair[0] + share * pair[1]
        centre[:, fold] = winsorised_mean(ahead, weights[:, fold])
        nobody = ~given.any(axis=1)
        rivals[:, nobody, fold] = centre[nobody, fold] = np.nan
    return centre, weights


def _newly_known_errors(
    rivals: RealArray, record: ErrorRecord, actuals: FloatArray, scale: FloatArray, cap: float
) -> FloatArray:
    """Sums (rivals, series) of the newly known errors of `rivals` (rivals, series, folds, horizon)."""
    sums = np.zeros(rivals.shape[:2])
    for earlier, steps in record.news:
        errors = capped_errors(rivals[:, :, earlier, steps], actuals[:, earlier, steps], scale[:, earlier], cap)
        sums += np.nansum(errors, axis=2)
    return sums


def _penalty(evidence: Evidence, constants: WeightConstants) -> FloatArray:
    """Factors of the weights (forecasters,): 1 for the best known error, less the larger the excess over it.

    Near-equal forecasters keep their weights; one whose error is clearly larger is excluded.
    """
    comparable = evidence.coverage > COMPARABLE
    if not comparable.any():
        return np.ones(len(comparable))
    best = int(np.argmin(np.where(comparable, evidence.log_error, np.inf)))
    excess = np.maximum(evidence.log_error - evidence.log_error[best], 0.0)
    certain = excess - constants.certain * np.hypot(evidence.standard_error, evidence.standard_error[best])
    believed = np.maximum(excess * _weight(evidence, constants), certain) * evidence.coverage
    penalty: FloatArray = np.exp(-0.5 * np.square(believed / constants.tolerance))
    # Never zero: the only forecaster of a series counts, whatever its record.
    return np.maximum(penalty, 1e-30)


def _share_of_equal_weights(totals: FloatArray, evidence: Evidence, constants: WeightConstants) -> float:
    """The share of equal weights, between 0 and 1; `totals` are the known errors with prior and with equal weights."""
    if not totals.all():
        return 0.0
    # A short record is one phase of the business cycle, which the same pools may not win again.
    lasting = evidence.months / (evidence.months + constants.calendar_months)
    lead = np.log(totals[0] / totals[1]) * _weight(evidence, constants) * lasting
    return float(expit((lead - constants.lead) / constants.lead_scale))


def _weight(evidence: Evidence, constants: WeightConstants) -> float:
    """The weight of relative errors against the assumption that they are equal, between 0 and 1."""
    independent = evidence.months * evidence.independent_series
    return independent / (independent + constants.independent_months)


def _normalised(unnormalised: FloatArray, given: NDArray[np.bool_]) -> FloatArray:
    """Weights (series, forecasters) that sum to one, zero where no forecast was `given` (series, forecasters)."""
    raw = np.where(given, unnormalised, 0.0)
    weights: FloatArray = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-300)
    return weights


def winsorised_mean(ahead: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean (series, horizon) of `ahead` (series, forecasters, horizon), clipped to its quartiles."""
    order = np.argsort(ahead, axis=1)
    ranked = np.take_along_axis(ahead, order, axis=1)
    share = np.take_along_axis(np.broadcast_to(weights[:, :, None], ahead.shape), order, axis=1)
    cumulative = share.cumsum(axis=1)
    # The tolerance absorbs rounding in sums of weights.
    lo, hi = (
        np.take_along_axis(ranked, np.argmax(cumulative >= quantile - 1e-9, axis=1)[:, None], axis=1)
        for quantile in (QUARTILE, 1.0 - QUARTILE)
    )
    mean: FloatArray = (share * np.clip(ranked, lo, hi)).sum(axis=1)
    return mean
