"""The combination at every fold, reconciled, with its out-of-sample errors: the input of the error distribution."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.combination.cross_sectional_correction import correct
from forecasting.combination.drift_correction import correct_drift
from forecasting.combination.indicator_adjustment import IndicatorAdjustment, adjust_for_indicators
from forecasting.combination.weights import combine
from forecasting.data.hierarchy import Hierarchy, aggregation_levels, discontinued_series, find_hierarchies
from forecasting.data.indicators import IndicatorPanel
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.evaluation.metrics import seasonal_scales
from forecasting.evaluation.rolling_origin import BaseForecasts
from forecasting.forecasters import FORECASTERS
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import transform, transform_units
from forecasting.uncertainty.error_distribution import ErrorDistribution
from forecasting.uncertainty.error_scale import KnownErrors, estimate_error_scale, prior_scale
from forecasting.uncertainty.reconciliation import Reconciler, reconciler

# Shrinkage applied to the cross-series error correlation in reconciliation, which few folds support.
CORRELATION_SHRINKAGE = 0.4


@dataclass(frozen=True)
class CombinedForecasts:
    """The combination at every fold.

    `centre`, `actual` and `outcomes` have shape (series, folds, horizon), in the units of `y`: coherent means; the
    actuals that are scored; and the values that errors are computed from, which include a January and February of which
    only the sum was published. NaN where a month is not known. `vintage_values` has the values known at a cutoff where
    they differ from the panel's; `hierarchies` are those of the folds; `discontinued` (series, folds) marks parts that
    had ended by the cutoff, whose forecast is zero. `weights` has shape (series, folds, forecasters); `transform_unit`
    (series, folds) is the unit of the arsinh transform; `prior` (series, folds) a prior scale of the errors;
    `forecast_scale` (series, folds, horizon) the error scale forecast at each fold; `aggregation_level` (series,) as in
    `KnownErrors`; `indicators` is the adjustment for indicators, None without any.
    """

    panel: Panel
    base: BaseForecasts
    vintage_values: Mapping[int, FloatArray]
    hierarchies: tuple[Hierarchy, ...]
    discontinued: NDArray[np.bool_]
    centre: FloatArray
    weights: FloatArray
    actual: FloatArray
    outcomes: FloatArray
    transform_unit: FloatArray
    prior: FloatArray
    forecast_scale: FloatArray
    aggregation_level: NDArray[np.int64]
    indicators: IndicatorAdjustment | None = None

    def reconciler(self, fold: int, distribution: ErrorDistribution) -> Reconciler:
        """The reconciler of a fold's draws, from their distribution.

        Correlated errors make the variance of a whole large next to its parts' although its own draws are as reliable.
        """
        width, unit = distribution.marginals.width, self.transform_unit[:, fold]
        variance = _variance(width, unit, self.centre[:, fold], self.discontinued[:, fold])
        common = np.sqrt(CORRELATION_SHRINKAGE * variance)[:, None] * distribution.loadings
        specific = variance * (1 - CORRELATION_SHRINKAGE * np.square(distribution.loadings).sum(axis=1))
        return reconciler(self.hierarchies[fold], specific, common)

    def seen(self, fold: int) -> FloatArray:
        """The panel's values as known at a fold's cutoff, shape (series, months up to it)."""
        return _values_at(self.panel, self.vintage_values, int(self.base.cutoffs[fold]))

    @cached_property
    def lower_bounds(self) -> FloatArray:
        """Lower bounds of draws, shape (series, folds): zero, unless a series had a negative value by the cutoff."""
        least = [np.fmin.reduce(self.seen(fold), axis=1) for fold in range(self.centre.shape[1])]
        return np.where(np.stack(least, axis=1) < 0, -np.inf, 0.0)

    @cached_property
    def errors(self) -> FloatArray:
        """The combination's errors on the arsinh scale, shape (series, folds, horizon)."""
        return transformed_errors(self.centre, self.outcomes, self.transform_unit)

    def known_errors(self, fold: int, errors: FloatArray) -> KnownErrors:
        """The part of `errors` (series, folds, horizon) that was known at a fold's cutoff."""
        months = _cutoff_months(self.panel, self.base)
        return known_at(errors, self.prior, self.aggregation_level, months, fold, self.seen(fold))


def combine_panel(
    panel: Panel,
    base: BaseForecasts,
    *,
    recent: int | None = None,
    vintage_values: Mapping[int, FloatArray] | None = None,
    indicators: IndicatorPanel | None = None,
) -> CombinedForecasts:
    """Combine and reconcile every fold, each from the errors known at its cutoff.

    With `recent`, the weights use only the folds of that many months before each cutoff. `vintage_values` are the
    values known at past cutoffs, as in `forecast_at_cutoffs`. With `indicators` the first steps are adjusted for what
    was public beyond each cutoff.
    """
    horizon, vintage_values = base.means.shape[3], vintage_values or {}
    actual = panel.published_ahead(base.cutoffs.tolist(), horizon)
    scale = _by_fold(lambda values, cutoffs: seasonal_scales(values, cutoffs)[0], panel, base, vintage_values)
    centre, weights = _combine(base, actual, scale, recent)
    unit = _by_fold(transform_units, panel, base, vintage_values)
    seen = [_values_at(panel, vintage_values, cutoff) for cutoff in base.cutoffs.tolist()]
    hierarchies = find_hierarchies(panel, seen)
    pairs = zip(hierarchies, seen, strict=True)
    discontinued = np.stack([discontinued_series(hierarchy, values) for hierarchy, values in pairs], axis=1)
    centre[discontinued] = 0.0
    sectors = panel.keys.get("sector", pd.Series("", index=panel.keys.index)).tolist()
    centre = correct(centre, actual, panel.values, unit, base.cutoffs, sectors, vintage_values)
    centre = correct_drift(centre, actual, unit, base.cutoffs)
    prior = np.stack([prior_scale(transform(values, unit[:, fold, None])) for fold, values in enumerate(seen)], axis=1)
    outcomes = panel.ahead(base.cutoffs.tolist(), horizon)
    levels = aggregation_levels(panel)
    known = partial(known_at, transformed_errors(centre, outcomes, unit), prior, levels, _cutoff_months(panel, base))
    adjustment = None
    if indicators is not None:
        errors = [known(fold, values).errors for fold, values in enumerate(seen)]
        months, unique_ids = panel.months[base.cutoffs], panel.unique_ids
        centre, adjustment = adjust_for_indicators(centre, unit, errors, months, unique_ids, indicators)
        errors_left = transformed_errors(centre, outcomes, unit)
        known = partial(known_at, errors_left, prior, levels, _cutoff_months(panel, base))
    centre, forecast_scale = _reconcile(centre, unit, lambda fold: known(fold, seen[fold]), hierarchies, discontinued)
    return CombinedForecasts(
        panel=panel,
        base=base,
        vintage_values=vintage_values,
        hierarchies=hierarchies,
        discontinued=discontinued,
        centre=centre,
        weights=weights,
        actual=actual,
        outcomes=outcomes,
        transform_unit=unit,
        prior=prior,
        forecast_scale=forecast_scale,
        aggregation_level=levels,
        indicators=adjustment,
    )


def _values_at(panel: Panel, vintage_values: Mapping[int, FloatArray], cutoff: int) -> FloatArray:
    return vintage_values.get(cutoff, panel.values[:, : cutoff + 1])


def _by_fold(
    measure: Callable[[FloatArray, NDArray[np.int64]], FloatArray],
    panel: Panel,
    base: BaseForecasts,
    vintage_values: Mapping[int, FloatArray],
) -> FloatArray:
    """A `measure` of values (series, months) at cutoffs, shape (series, folds), from the values known at each."""
    found = measure(panel.values, base.cutoffs)
    for fold, cutoff in enumerate(base.cutoffs.tolist()):
        if cutoff in vintage_values:
            found[:, fold] = measure(vintage_values[cutoff], np.array([cutoff]))[:, 0]
    return found


def _combine(
    base: BaseForecasts, actual: FloatArray, scale: FloatArray, recent: int | None
) -> tuple[FloatArray, FloatArray]:
    """The combination and its weights at every fold, as in `combine`."""
    priors = [FORECASTERS[name].prior_weight for name in base.names]
    if recent is None:
        return combine(base.means, actual, scale, base.cutoffs, priors)
    centres, weights = [], []
    for fold, cutoff in enumerate(base.cutoffs):
        window = slice(int(np.searchsorted(base.cutoffs, cutoff - recent)), fold + 1)
        fold_centre, fold_weights = combine(
            base.means[:, :, window], actual[:, window], scale[:, window], base.cutoffs[window], priors
        )
        centres.append(fold_centre[:, -1])
        weights.append(fold_weights[:, -1])
    return np.stack(centres, axis=1), np.stack(weights, axis=1)


def transformed_errors(mean: FloatArray, actual: FloatArray, unit: FloatArray) -> FloatArray:
    """Errors on the arsinh scale, shape (series, folds, horizon); `unit` has shape (series, folds)."""
    return transform(actual, unit[..., None]) - transform(mean, unit[..., None])


def known_at(
    errors: FloatArray,
    prior: FloatArray,
    aggregation_level: NDArray[np.int64],
    months: NDArray[np.int64],
    fold: int,
    seen: FloatArray,
) -> KnownErrors:
    """The part of `errors` (series, folds, horizon) known at a fold's cutoff; `prior` has shape (series, folds).

    `months` (folds,) are the cutoffs as numbers since January 1970; `seen` (series, months) the values known at the
    fold's.
    """
    target = months[:fold, None] + 1 + np.arange(errors.shape[2])
    known = np.where(target <= months[fold], errors[:, :fold], np.nan)
    if np.isnan(seen[:, -1]).any():
        place = np.clip(target - months[fold] - 1, -seen.shape[1], -1)
        known[np.isnan(seen[:, place])] = np.nan
    return KnownErrors(known, months[:fold], int(months[fold]), prior[:, fold], aggregation_level)


def _cutoff_months(panel: Panel, base: BaseForecasts) -> NDArray[np.int64]:
    """The cutoffs (folds,) as months since January 1970."""
    return panel.months[base.cutoffs].astype(MONTH).astype(np.int64)


def _reconcile(
    centre: FloatArray,
    unit: FloatArray,
    known_errors: Callable[[int], KnownErrors],
    hierarchies: Sequence[Hierarchy],
    discontinued: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Coherent centres and the error scale forecast, each fold from the errors known at it; shapes as `centre`."""
    coherent, forecast_scale = np.empty_like(centre), np.empty_like(centre)
    for fold in range(centre.shape[1]):
        known = known_errors(fold)
        forecast_scale[:, fold] = estimate_error_scale(known).of(known.ahead)
        variance = _variance(forecast_scale[:, fold], unit[:, fold], centre[:, fold], discontinued[:, fold])
        begun = np.isfinite(centre[:, fold]).all(axis=1, keepdims=True)
        base = np.where(begun, centre[:, fold], 0.0)
        summed = reconciler(hierarchies[fold], variance)(base)
        coherent[:, fold] = np.where(begun, summed, np.nan)
    return coherent, forecast_scale


def _variance(width: FloatArray, unit: FloatArray, centre: FloatArray, discontinued: NDArray[np.bool_]) -> FloatArray:
    """Error variance averaged over the steps, up to a factor, in squared units of `y`, shape (series,).

    Zero for a series that has not begun, whose `centre` is NaN, and for a discontinued one.
    """
    # The slope of the inverse transform turns a width on the arsinh scale into one in the units of y.
    variance = np.square(width * np.hypot(unit[:, None], centre)).mean(axis=1)
    return np.where(np.isfinite(centre).all(axis=1) & ~discontinued, variance, 0.0)
