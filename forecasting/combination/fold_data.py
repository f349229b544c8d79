"""The data known at each fold of a panel, and the forecast errors known at it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.data.calendar_regressors import has_moving_new_year
from forecasting.data.hierarchy import aggregation_levels
from forecasting.data.intermittent import intermittent_series
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.data.representative import representative_series
from forecasting.evaluation.metrics import seasonal_scales
from forecasting.evaluation.rolling_origin import BaseForecasts
from forecasting.tasks import KeepsMemoryOrder
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import largest_recent, transform, transform_units
from forecasting.uncertainty.error_scale import KnownErrors, prior_scale
from forecasting.uncertainty.jumps import count_jumps_once

# A delay up to this is part of the errors of earlier folds if it was usual at them.
USUAL_DELAY = 3.0
# Draws of a series with negative values are at least this many times the most negative one.
LOWEST_RATIO = 3.0


@dataclass(frozen=True)
class FoldData(KeepsMemoryOrder):
    """The data known at each fold.

    `cutoffs` (folds,) are positions in the months of the panel's `values` (series, months), `months` (folds,) the same
    as numbers since January 1970; `vintage_values` as in `forecast_at_cutoffs`. `outcomes` (series, folds, horizon), in
    the units of `y`, are the values that errors are computed from, which include a January and February of which only
    the sum was published; NaN where not known. The others have shape (series, folds): `transform_unit` is the unit of
    the arsinh transform; `largest_recent` the largest recent absolute value, from which upper bounds of draws follow;
    `lower_bounds` are those of draws, zero or a multiple of the least value if negative; `seasonal_scale` is the mean
    absolute change on a year ago; `representative` as in `representative_series`; `prior` a prior scale of the errors;
    `delay` the unusual months of delay of the last value. `aggregation_level` (series,) is as in `KnownErrors`;
    `new_year` is whether the reporter has a moving New Year.
    """

    cutoffs: NDArray[np.int64]
    months: NDArray[np.int64]
    values: FloatArray
    vintage_values: Mapping[int, FloatArray]
    outcomes: FloatArray
    transform_unit: FloatArray
    largest_recent: FloatArray
    lower_bounds: FloatArray
    seasonal_scale: FloatArray
    representative: NDArray[np.bool_]
    prior: FloatArray
    delay: FloatArray
    aggregation_level: NDArray[np.int64]
    new_year: bool

    @property
    def known_months(self) -> NDArray[np.int64]:
        """The number of known values of each series at each fold, shape (series, folds)."""
        return np.stack([np.isfinite(self.seen(fold)).sum(axis=1) for fold in range(len(self.cutoffs))], axis=1)

    def seen(self, fold: int) -> FloatArray:
        """The values as known at a fold's cutoff, shape (series, months up to it)."""
        return _seen(self.values, self.vintage_values, int(self.cutoffs[fold]))

    def up_to(self, fold: int) -> "FoldData":
        """The data on which a fold depends: those of the folds up to it, and its own vintage alone."""
        end, cutoff = fold + 1, int(self.cutoffs[fold])
        return replace(
            self,
            cutoffs=self.cutoffs[:end],
            months=self.months[:end],
            vintage_values={at: values for at, values in self.vintage_values.items() if at == cutoff},
            outcomes=self.outcomes[:, :end],
            transform_unit=self.transform_unit[:, :end],
            largest_recent=self.largest_recent[:, :end],
            lower_bounds=self.lower_bounds[:, :end],
            seasonal_scale=self.seasonal_scale[:, :end],
            representative=self.representative[:, :end],
            prior=self.prior[:, :end],
            delay=self.delay[:, :end],
        )

    def intermittent(self, fold: int) -> NDArray[np.bool_]:
        """Series that are drawn from their recent values at a fold, shape (series,); not if the last one is delayed."""
        return np.asarray(intermittent_series(self.seen(fold)) & (self.delay[:, fold] == 0))

    def errors(self, means: FloatArray) -> FloatArray:
        """Errors of `means` (series, folds, horizon) on the arsinh scale, each fold in its own unit."""
        unit = self.transform_unit[..., None]
        errors = transform(means, unit)
        return np.subtract(transform(self.outcomes, unit), errors, out=errors)

    def known_at(self, fold: int, errors: FloatArray, unusual: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which `errors` (series, folds, horizon) were known at a fold, shape (series, folds before it, horizon).

        The last month of series with an `unusual` last value (series,) is excluded.
        """
        cutoff, seen = int(self.months[fold]), self.seen(fold)
        target = self.months[:fold, None] + 1 + np.arange(errors.shape[2])
        known = np.isfinite(errors[:, :fold]) & (target <= cutoff)
        if np.isnan(seen[:, -1]).any():
            place = np.clip(target - cutoff - 1, -seen.shape[1], -1)
            known &= np.isfinite(seen[:, place])
        if unusual is not None:
            known &= (target < cutoff) | ~unusual[:, None, None]
        return np.asarray(known)

    def known_errors(
        self,
        fold: int,
        means: FloatArray,
        errors: FloatArray | None = None,
        unusual: NDArray[np.bool_] | None = None,
    ) -> KnownErrors:
        """The errors of `means` (series, folds, horizon) that were known at a fold's cutoff.

        They are measured in the unit of that fold, in which its intervals are computed: the unit of a market that
        collapsed or boomed since is no measure of its errors now. `errors` are those in the units of their own folds,
        which only the calibration of a scale needs. The last month of series with an `unusual` last value (series,) is
        excluded, and lasting changes of level count once.
        """
        unit = self.transform_unit[:, fold, None, None]
        current = transform(means[:, :fold], unit)
        np.subtract(transform(self.outcomes[:, :fold], unit), current, out=current)
        known = self.known_at(fold, current, unusual)
        current[~known] = np.nan
        cutoffs = self.months[:fold]
        fold_errors = None
        if errors is not None:
            fold_errors = count_jumps_once(np.where(known, errors[:, :fold], np.nan), cutoffs)
        return KnownErrors(
            errors=count_jumps_once(current, cutoffs),
            cutoffs=cutoffs,
            cutoff=int(self.months[fold]),
            prior=self.prior[:, fold],
            aggregation_level=self.aggregation_level,
            fold_errors=fold_errors,
            representative=self.representative[:, fold],
            delay=self.delay[:, fold],
            new_year=self.new_year,
        )


def read_fold_data(panel: Panel, base: BaseForecasts, vintage_values: Mapping[int, FloatArray]) -> FoldData:
    """The data known at each cutoff of base forecasts; `vintage_values` as in `forecast_at_cutoffs`."""
    cutoffs = base.cutoffs.tolist()
    seen = [_seen(panel.values, vintage_values, cutoff) for cutoff in cutoffs]
    unit = _by_fold(transform_units, panel, base, vintage_values)
    priors = [prior_scale(transform(values, unit[:, fold, None])) for fold, values in enumerate(seen)]
    least = np.stack([np.fmin.reduce(values, axis=1) for values in seen], axis=1)
    return FoldData(
        cutoffs=base.cutoffs,
        months=panel.months[base.cutoffs].astype(MONTH).astype(np.int64),
        values=panel.values,
        vintage_values=vintage_values,
        outcomes=panel.ahead(cutoffs, base.means.shape[3]),
        transform_unit=unit,
        largest_recent=np.stack([largest_recent(values) for values in seen], axis=1),
        lower_bounds=LOWEST_RATIO * np.minimum(np.nan_to_num(least), 0.0),
        seasonal_scale=_by_fold(lambda values, at: seasonal_scales(values, at)[0], panel, base, vintage_values),
        representative=np.stack([representative_series(values) for values in seen], axis=1),
        prior=np.stack(priors, axis=1),
        delay=_unusual_delay(seen),
        aggregation_level=aggregation_levels(panel),
        new_year=has_moving_new_year(base.reporter),
    )


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


def _seen(values: FloatArray, vintage_values: Mapping[int, FloatArray], cutoff: int) -> FloatArray:
    return vintage_values.get(cutoff, values[:, : cutoff + 1])


def _unusual_delay(seen: Sequence[FloatArray]) -> FloatArray:
    """Months of delay of the last values beyond the usual one of earlier folds, shape (series, folds)."""
    delays = np.stack([_delay(values) for values in seen], axis=1)
    unusual = delays.copy()
    for fold in range(1, delays.shape[1]):
        usual = np.minimum(np.median(delays[:, :fold], axis=1), USUAL_DELAY)
        unusual[:, fold] = np.maximum(delays[:, fold] - usual, 0.0)
    return unusual


def _delay(values: FloatArray) -> FloatArray:
    """Months without a value at the end of each series, shape (series,); zero for one that has not begun."""
    known = np.isfinite(values)
    after = np.argmax(known[:, ::-1], axis=1).astype(np.float64)
    return np.where(known.any(axis=1), after, 0.0)
