"""The combination at every fold, reconciled, with its out-of-sample errors: the input of the error distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.combination.cross_sectional_correction import correct
from forecasting.combination.drift_correction import correct_drift
from forecasting.combination.event_adjustment import EventAdjustment, adjust_for_events
from forecasting.combination.fold_data import FoldData, read_fold_data
from forecasting.combination.indicator_adjustment import IndicatorAdjustment, adjust_for_indicators
from forecasting.combination.last_value import UnusualReadings, read_last_values
from forecasting.combination.level_change import follow_level_changes
from forecasting.combination.prior_weights import prior_weights
from forecasting.combination.weights import combine
from forecasting.config import BASELINE
from forecasting.data.events import EventPanel
from forecasting.data.given_totals import GivenTotals
from forecasting.data.hierarchy import Hierarchy, discontinued_series, find_hierarchies
from forecasting.data.indicators import IndicatorPanel
from forecasting.data.panel import Panel
from forecasting.data.representative import representative_ahead
from forecasting.evaluation.rolling_origin import BaseForecasts
from forecasting.large_arrays import empty_like, in_memory, moved
from forecasting.tasks import KeepsMemoryOrder
from forecasting.types import FloatArray, NewArray
from forecasting.uncertainty.error_distribution import ErrorDistribution
from forecasting.uncertainty.error_scale import KnownErrors, estimate_error_scale
from forecasting.uncertainty.reconciliation import Reconciler, reconciler

# Shrinkage applied to the cross-series error correlation in reconciliation, which few folds support.
CORRELATION_SHRINKAGE = 0.4


@dataclass(frozen=True)
class CombinedForecasts(KeepsMemoryOrder):
    """The combination at every fold.

    `centre` and `actual` have shape (series, folds, horizon), in the units of `y`: coherent means, and the actuals that
    are scored, NaN where a month is not known. `data` are the data known at the folds; `hierarchies` those of the
    folds; `discontinued` (series, folds) marks parts that had ended by the cutoff, whose forecast is zero. `weights`
    has shape (series, folds, forecasters); `forecast_scale` (series, folds, horizon) is the error scale forecast at
    each fold; `last_values` has the readings of unusual last values of the folds that have any; `given` has the totals
    known at each fold beyond its cutoff, and `total_effect` (series, horizon) the amounts that those of the last fold
    added to its centre; `events` and `indicators` are the adjustments for events and indicators, and `informed`
    (series, folds, horizon) says which forecasts an indicator moved. Each is None without any.
    """

    panel: Panel
    base: BaseForecasts
    data: FoldData
    hierarchies: tuple[Hierarchy, ...]
    discontinued: NDArray[np.bool_]
    centre: FloatArray
    weights: FloatArray
    actual: FloatArray
    forecast_scale: FloatArray
    last_values: tuple[UnusualReadings | None, ...]
    given: tuple[GivenTotals | None, ...]
    total_effect: FloatArray | None = None
    events: EventAdjustment | None = None
    indicators: IndicatorAdjustment | None = None
    informed: NDArray[np.bool_] | None = None

    @property
    def transform_unit(self) -> FloatArray:
        """The unit of the arsinh transform, shape (series, folds)."""
        return self.data.transform_unit

    def reconciler(self, fold: int, distribution: ErrorDistribution, given_step: int | None = None) -> Reconciler:
        """The reconciler of a fold's draws, from their distribution.

        Correlated errors make the variance of a whole large next to its parts' although its own draws are as reliable.
        With `given_step`, the totals given so many months ahead have their own small error, independent of the parts'.
        """
        specific, common = self._covariance(fold, distribution, CORRELATION_SHRINKAGE)
        totals = self.given[fold]
        if given_step is not None and totals is not None:
            specific = totals.replace_variance(specific, given_step)
            common[totals.known(given_step)] = 0.0
        return reconciler(self.hierarchies[fold], specific, common)

    def widened(self, fold: int, distribution: ErrorDistribution, reconcile: Reconciler) -> ErrorDistribution:
        """The distribution of a fold's draws, wider than `distribution` by the variance that `reconcile` removes.

        The scale of `distribution` is that of errors of coherent forecasts. Draws are less coherent than these, since
        few folds support their correlations, and lose a part of their variance when they are reconciled.
        """
        narrowing = reconcile.narrowing(*self._covariance(fold, distribution, 1.0))
        width = distribution.marginals.width / narrowing[:, None]
        return replace(distribution, marginals=replace(distribution.marginals, width=width))

    def _covariance(self, fold: int, distribution: ErrorDistribution, share: float) -> tuple[FloatArray, FloatArray]:
        """Variances (series,) and common factors (series, factors) of errors with a share of their correlation."""
        width, unit = distribution.marginals.width, self.transform_unit[:, fold]
        variance = _variance(width, unit, self.centre[:, fold], self.discontinued[:, fold])
        common = np.sqrt(share * variance)[:, None] * distribution.loadings
        return variance * (1 - share * np.square(distribution.loadings).sum(axis=1)), common

    def seen(self, fold: int) -> FloatArray:
        """The panel's values as known at a fold's cutoff, shape (series, months up to it)."""
        return self.data.seen(fold)

    def up_to(self, fold: int) -> "CombinedForecasts":
        """The part on which a fold's draws and scores depend, small enough to send to another process.

        It ends with the fold and has, of the forecasters, the baseline alone.
        """
        end, baseline = fold + 1, self.base.names.index(BASELINE)
        means = self.base.means[:, baseline : baseline + 1, :end]
        base = replace(
            self.base, names=(BASELINE,), cutoffs=self.base.cutoffs[:end], means=means, failures=(), sensitivities={}
        )
        return replace(
            self,
            base=base,
            data=self.data.up_to(fold),
            # Of hierarchies, readings and given totals only the fold's own are used.
            hierarchies=(self.hierarchies[fold],) * end,
            discontinued=self.discontinued[:, :end],
            centre=self.centre[:, :end],
            weights=self.weights[:, :0],
            actual=self.actual[:, :end],
            forecast_scale=self.forecast_scale[:, :end],
            last_values=(None,) * fold + (self.last_values[fold],),
            given=(None,) * fold + (self.given[fold],),
            total_effect=None,
            events=None,
            indicators=None,
            informed=None if self.informed is None else self.informed[:, :end],
        )

    @property
    def errors(self) -> FloatArray:
        """The combination's errors on the arsinh scale, each fold in its own unit, shape (series, folds, horizon)."""
        return self.data.errors(self.centre)

    def known_errors(self, fold: int) -> KnownErrors:
        """The combination's errors that were known at a fold's cutoff."""
        readings = self.last_values[fold]
        return self.data.known_errors(fold, self.centre, self.errors, None if readings is None else readings.unusual)


def combine_panel(
    panel: Panel,
    base: BaseForecasts,
    *,
    recent: int | None = None,
    vintage_values: Mapping[int, FloatArray] | None = None,
    events: EventPanel | None = None,
    indicators: IndicatorPanel | None = None,
    given: Mapping[int, GivenTotals] | None = None,
    new_array: NewArray = in_memory,
) -> CombinedForecasts:
    """Combine and reconcile every fold, each from the errors known at its cutoff.

    With `recent`, the weights use only the folds of that many months before each cutoff. `vintage_values` are the
    values known at past cutoffs, as in `forecast_at_cutoffs`. With `events` forecasts are adjusted for changes that
    were announced by each fold's day; with `indicators` the first steps for values public beyond each cutoff. `given`
    has by cutoff (a position) the totals known beyond it, which parts then meet. Arrays of every series, fold and step
    that are kept come from `new_array`.
    """
    data = read_fold_data(panel, base, vintage_values or {})
    data = replace(data, outcomes=moved(data.outcomes, new_array))
    actual = moved(panel.published_ahead(base.cutoffs.tolist(), base.means.shape[3]), new_array)
    # Months after a series collapsed or ended are no evidence for the others.
    evidence = empty_like(actual, new_array)
    evidence[...] = actual
    evidence[~representative_ahead(panel.values, base.cutoffs, base.means.shape[3])] = np.nan
    centre, weights = _combine(base, evidence, data, recent)
    centre = moved(centre, new_array)
    seen = [data.seen(fold) for fold in range(len(base.cutoffs))]
    hierarchies = find_hierarchies(panel, seen)
    pairs = zip(hierarchies, seen, strict=True)
    discontinued = np.stack([discontinued_series(hierarchy, values) for hierarchy, values in pairs], axis=1)
    centre[discontinued] = 0.0
    centre = _correct_across_series(panel, base, data, centre, actual, vintage_values)
    centre = correct_drift(centre, evidence, data.transform_unit, base.cutoffs)
    del evidence
    centre = follow_level_changes(centre, data)
    event_adjustment = adjustment = None
    if events is not None:
        centre, event_adjustment = _adjust_for_events(panel, base, data, centre, hierarchies, events)
    if indicators is not None:
        centre, adjustment = _adjust_for_indicators(panel, base, data, centre, indicators)
    totals = tuple((given or {}).get(cutoff) for cutoff in base.cutoffs.tolist())
    centre, forecast_scale, last_values, total_effect = _reconcile(
        centre, data, hierarchies, discontinued, totals, new_array
    )
    return CombinedForecasts(
        panel=panel,
        base=base,
        data=data,
        hierarchies=hierarchies,
        discontinued=discontinued,
        centre=centre,
        weights=weights,
        actual=actual,
        forecast_scale=forecast_scale,
        last_values=last_values,
        given=totals,
        total_effect=total_effect,
        events=event_adjustment,
        indicators=adjustment,
        informed=None if adjustment is None else adjustment.informed,
    )


def _correct_across_series(
    panel: Panel,
    base: BaseForecasts,
    data: FoldData,
    centre: FloatArray,
    actual: FloatArray,
    vintage_values: Mapping[int, FloatArray] | None,
) -> FloatArray:
    """The combination (series, folds, horizon) with the cross-sectional correction."""
    sectors = panel.keys.get("sector", pd.Series("", index=panel.keys.index)).tolist()
    unit, cutoffs = data.transform_unit, base.cutoffs
    return correct(centre, actual, panel.values, unit, cutoffs, sectors, vintage_values, data.representative)


def _adjust_for_events(
    panel: Panel,
    base: BaseForecasts,
    data: FoldData,
    centre: FloatArray,
    hierarchies: Sequence[Hierarchy],
    events: EventPanel,
) -> tuple[FloatArray, EventAdjustment]:
    """The combination (series, folds, horizon) adjusted for events, and the adjustment."""
    known_errors = _known_errors(data, centre)
    months, unit = panel.months[base.cutoffs], data.transform_unit
    return adjust_for_events(centre, unit, known_errors, months, panel.unique_ids, hierarchies, events)


def _known_errors(data: FoldData, centre: FloatArray) -> list[FloatArray]:
    """The errors known at each fold of those before it, each of shape (series, earlier folds, horizon)."""
    errors = data.errors(centre)
    folds = range(centre.shape[1])
    return [np.where(data.known_at(fold, errors), errors[:, :fold], np.nan) for fold in folds]


def _adjust_for_indicators(
    panel: Panel, base: BaseForecasts, data: FoldData, centre: FloatArray, indicators: IndicatorPanel
) -> tuple[FloatArray, IndicatorAdjustment]:
    """The combination (series, folds, horizon) adjusted for indicators, and the adjustment."""
    known_errors = _known_errors(data, centre)
    months = panel.months[base.cutoffs]
    return adjust_for_indicators(centre, data.transform_unit, known_errors, months, panel.unique_ids, indicators)


def _combine(
    base: BaseForecasts, actual: FloatArray, data: FoldData, recent: int | None
) -> tuple[FloatArray, FloatArray]:
    """The combination and its weights at every fold, as in `combine`."""
    # Weights are pooled over the series that represent the panel: the others have no scale.
    scale = np.where(data.representative, data.seasonal_scale, np.nan)
    priors = prior_weights(base.names, data.known_months)
    if recent is None:
        return combine(base.means, actual, scale, base.cutoffs, priors)
    centres, weights = [], []
    for fold, cutoff in enumerate(base.cutoffs):
        window = slice(int(np.searchsorted(base.cutoffs, cutoff - recent)), fold + 1)
        fold_centre, fold_weights = combine(
            base.means[:, :, window], actual[:, window], scale[:, window], base.cutoffs[window], priors[:, window]
        )
        centres.append(fold_centre[:, -1])
        weights.append(fold_weights[:, -1])
    return np.stack(centres, axis=1), np.stack(weights, axis=1)


def _reconcile(
    centre: FloatArray,
    data: FoldData,
    hierarchies: Sequence[Hierarchy],
    discontinued: NDArray[np.bool_],
    given: Sequence[GivenTotals | None],
    new_array: NewArray,
) -> tuple[FloatArray, FloatArray, tuple[UnusualReadings | None, ...], FloatArray | None]:
    """Coherent centres, the error scale forecast, each (series, folds, horizon), and the readings of last values.

    The amounts that given totals added to the last fold, shape (series, horizon), are the fourth result. Each fold
    uses the errors known at it. The centre after a gross last value is that of a single event.
    """
    coherent, forecast_scale = (empty_like(centre, new_array) for _ in range(2))
    readings, total_effect = list[UnusualReadings | None](), None
    for fold in range(centre.shape[1]):
        unit, base = data.transform_unit[:, fold], centre[:, fold].copy()
        reading = None
        if fold and data.months[fold] - data.months[fold - 1] == 1:
            last, expected_error = data.seen(fold)[:, -2:], forecast_scale[:, fold - 1, 0]
            reading = read_last_values(base, coherent[:, fold - 1], last, expected_error, unit)
            base[reading.gross] = reading.single[reading.gross]
        readings.append(reading.of_unusual() if reading is not None and reading.unusual.any() else None)
        known = data.known_errors(fold, centre, unusual=None if reading is None else reading.unusual)
        forecast_scale[:, fold] = estimate_error_scale(known).ahead_of(known)
        variance = _variance(forecast_scale[:, fold], unit, base, discontinued[:, fold])
        begun = np.isfinite(base).all(axis=1, keepdims=True)
        summed = reconciler(hierarchies[fold], variance)(np.where(begun, base, 0.0))
        total_effect = None
        if (totals := given[fold]) is not None:
            met = _meeting(totals, summed, hierarchies[fold], variance)
            summed, total_effect = met, met - summed
        coherent[:, fold] = np.where(begun, summed, np.nan)
    return coherent, forecast_scale, tuple(readings), total_effect


def _meeting(totals: GivenTotals, centre: FloatArray, hierarchy: Hierarchy, variance: FloatArray) -> FloatArray:
    """The centre (series, horizon) whose parts add up to the totals given, each moved by its share of the variance."""
    met = centre.copy()
    for step in range(1, min(totals.months, centre.shape[1]) + 1):
        base = np.where(totals.known(step), totals.values[:, step - 1], centre[:, step - 1])
        met[:, step - 1] = reconciler(hierarchy, totals.replace_variance(variance, step))(base)
    return met


def _variance(width: FloatArray, unit: FloatArray, centre: FloatArray, discontinued: NDArray[np.bool_]) -> FloatArray:
    """Error variance averaged over the steps, up to a factor, in squared units of `y`, shape (series,).

    Zero for a series that has not begun, whose `centre` is NaN, and for a discontinued one.
    """
    # The slope of the inverse transform turns a width on the arsinh scale into one in the units of y.
    variance = np.square(width * np.hypot(unit[:, None], centre)).mean(axis=1)
    return np.where(np.isfinite(centre).all(axis=1) & ~discontinued, variance, 0.0)
