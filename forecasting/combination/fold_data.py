"""The data known at each fold of a panel, and the forecast errors known at it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

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
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import transform, transform_units
from forecasting.uncertainty.error_scale import KnownErrors, prior_scale

# A delay up to this is part of the errors of earlier folds if it was usual at them.
USUAL_DELAY = 3.0


@dataclass(frozen=True)
class FoldData:
    """The data known at each fold.

    `months` (folds,) are the cutoffs as numbers since January 1970; `seen` has the values known at each, (series,
    months up to it). `outcomes` (series, folds, horizon), in the units of `y`, are the values that errors are computed
    from, which include a January and February of which only the sum was published; NaN where not known.
    `transform_unit` (series, folds) is the unit of the arsinh transform; `seasonal_scale` (series, folds) the mean
    absolute change on a year ago; `representative` (series, folds) as in `representative_series`; `prior` (series,
    folds) a prior scale of the errors; `aggregation_level` (series,) as in `KnownErrors`. `new_year` is whether the
    reporter has a moving New Year.
    """

    months: NDArray[np.int64]
    seen: tuple[FloatArray, ...]
    outcomes: FloatArray
    transform_unit: FloatArray
    seasonal_scale: FloatArray
    representative: NDArray[np.bool_]
    prior: FloatArray
    aggregation_level: NDArray[np.int64]
    new_year: bool

    @cached_property
    def delay(self) -> FloatArray:
        """Unusual months of delay of each series' last value, shape (series, folds)."""
        delays = np.stack([_delay(values) for values in self.seen], axis=1)
        unusual = delays.copy()
        for fold in range(1, delays.shape[1]):
            usual = np.minimum(np.median(delays[:, :fold], axis=1), USUAL_DELAY)
            unusual[:, fold] = np.maximum(delays[:, fold] - usual, 0.0)
        return unusual

    def intermittent(self, fold: int) -> NDArray[np.bool_]:
        """Series that are drawn from their recent values at a fold, shape (series,); not if the last one is delayed."""
        return np.asarray(intermittent_series(self.seen[fold]) & (self.delay[:, fold] == 0))

    def errors(self, means: FloatArray) -> FloatArray:
        """Errors of `means` (series, folds, horizon) on the arsinh scale, each fold in its own unit."""
        unit = self.transform_unit[..., None]
        return transform(self.outcomes, unit) - transform(means, unit)

    def known_errors(
        self, fold: int, means: FloatArray, errors: FloatArray, unusual: NDArray[np.bool_] | None = None
    ) -> KnownErrors:
        """The errors of `means` (series, folds, horizon) that were known at a fold's cutoff.

        They are measured in the unit of that fold, in which its intervals are computed: the unit of a market that
        collapsed or boomed since is no measure of its errors now. `errors` are those in the units of their own folds.
        The last month of series with an `unusual` last value (series,) is excluded.
        """
        cutoff, seen = int(self.months[fold]), self.seen[fold]
        target = self.months[:fold, None] + 1 + np.arange(means.shape[2])
        known = np.isfinite(errors[:, :fold]) & (target <= cutoff)
        if np.isnan(seen[:, -1]).any():
            place = np.clip(target - cutoff - 1, -seen.shape[1], -1)
            known &= np.isfinite(seen[:, place])
        if unusual is not None:
            known &= (target < cutoff) | ~unusual[:, None, None]
        unit = self.transform_unit[:, fold, None, None]
        current = transform(self.outcomes[:, :fold], unit) - transform(means[:, :fold], unit)
        return KnownErrors(
            errors=np.where(known, current, np.nan),
            cutoffs=self.months[:fold],
            cutoff=cutoff,
            prior=self.prior[:, fold],
            aggregation_level=self.aggregation_level,
            fold_errors=np.where(known, errors[:, :fold], np.nan),
            representative=self.representative[:, fold],
            delay=self.delay[:, fold],
            new_year=self.new_year,
        )


def read_fold_data(panel: Panel, base: BaseForecasts, vintage_values: Mapping[int, FloatArray]) -> FoldData:
    """The data known at each cutoff of base forecasts; `vintage_values` as in `forecast_at_cutoffs`."""
    cutoffs = base.cutoffs.tolist()
    seen = tuple(vintage_values.get(cutoff, panel.values[:, : cutoff + 1]) for cutoff in cutoffs)
    unit = _by_fold(transform_units, panel, base, vintage_values)
    priors = [prior_scale(transform(values, unit[:, fold, None])) for fold, values in enumerate(seen)]
    return FoldData(
        months=panel.months[base.cutoffs].astype(MONTH).astype(np.int64),
        seen=seen,
        outcomes=panel.ahead(cutoffs, base.means.shape[3]),
        transform_unit=unit,
        seasonal_scale=_by_fold(lambda values, at: seasonal_scales(values, at)[0], panel, base, vintage_values),
        representative=np.stack([representative_series(values) for values in seen], axis=1),
        prior=np.stack(priors, axis=1),
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


def _delay(values: FloatArray) -> FloatArray:
    """Months without a value at the end of each series, shape (series,); zero for one that has not begun."""
    known = np.isfinite(values)
    after = np.argmax(known[:, ::-1], axis=1).astype(np.float64)
    return np.where(known.any(axis=1), after, 0.0)
