"""The combination over every fold, made coherent, with the errors it made: what the distribution is learnt from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.backtest import BaseForecasts
from forecasting.combination import combine
from forecasting.distribution import learn_widths, prior_scale
from forecasting.history import FloatArray
from forecasting.link import to_link, units
from forecasting.panel import Panel
from forecasting.reconciliation import Reconciler, reconciler
from forecasting.scores import seasonal_scales
from forecasting.structure import Structure, find_structure


@dataclass(frozen=True)
class Pool:
    """The combination at every fold.

    `centre`, `actual` and `errors` have shape (series, folds, horizon): coherent means and actuals in the units of `y`,
    errors on the link's scale, NaN where the actual is not known. `weights` has shape (series, folds, forecasters);
    `unit` (series, folds) is the link's; `prior` (series, folds) a first scale of the errors; `variance`
    (series, folds) that of a step's error in the units of `y`.
    """

    panel: Panel
    base: BaseForecasts
    structure: Structure
    centre: FloatArray
    weights: FloatArray
    actual: FloatArray
    errors: FloatArray
    unit: FloatArray
    prior: FloatArray
    variance: FloatArray

    def reconciler(self, fold: int) -> Reconciler:
        """The reconciler of a fold, weighing each series by the errors known then."""
        return reconciler(self.structure, self.variance[:, fold])


def make_pool(panel: Panel, base: BaseForecasts, *, recent: int | None = None) -> Pool:
    """Combine and reconcile every fold, each from the errors of folds whose months it had seen.

    With `recent`, forecasters are weighed by the folds of that many months before each.
    """
    horizon = base.means.shape[3]
    actual = panel.published_ahead(base.cutoffs.tolist(), horizon)
    scale, _ = seasonal_scales(panel.values, base.cutoffs)
    centre, weights = _combine(base, actual, scale, recent)
    unit = units(panel.values, base.cutoffs)
    prior = np.stack([prior_scale(_linked(panel, unit, k, c)) for k, c in enumerate(base.cutoffs)], axis=1)
    structure = find_structure(panel)
    centre, variance = _reconcile(centre, actual, unit, prior, base.cutoffs, structure)
    errors = link_errors(centre, actual, unit)
    return Pool(panel, base, structure, centre, weights, actual, errors, unit, prior, variance)


def _combine(
    base: BaseForecasts, actual: FloatArray, scale: FloatArray, recent: int | None
) -> tuple[FloatArray, FloatArray]:
    """The combination and its weights at every fold, as `combine` gives them."""
    if recent is None:
        return combine(base.means, actual, scale, base.cutoffs, base.names)
    pooled = []
    for fold, cutoff in enumerate(base.cutoffs):
        some = slice(int(np.searchsorted(base.cutoffs, cutoff - recent)), fold + 1)
        last = combine(base.means[:, :, some], actual[:, some], scale[:, some], base.cutoffs[some], base.names)
        pooled.append([each[:, -1] for each in last])
    centre, weights = (np.stack(each, axis=1) for each in zip(*pooled, strict=True))
    return centre, weights


def link_errors(mean: FloatArray, actual: FloatArray, unit: FloatArray) -> FloatArray:
    """Errors on the link's scale, shape (series, folds, horizon)."""
    return to_link(actual, unit[..., None]) - to_link(mean, unit[..., None])


def ages(cutoffs: NDArray[np.int64], fold: int) -> FloatArray:
    """Months from each earlier fold's cutoff to a fold's, shape (earlier folds,)."""
    return np.asarray(cutoffs[fold] - cutoffs[:fold], dtype=np.float64)


def known_errors(errors: FloatArray, cutoffs: NDArray[np.int64], fold: int) -> FloatArray:
    """The errors (series, earlier folds, horizon) that were known at a fold's cutoff; NaN for the others."""
    target = cutoffs[:fold, None] + 1 + np.arange(errors.shape[2])
    return np.where(target <= cutoffs[fold], errors[:, :fold], np.nan)


def _linked(panel: Panel, unit: FloatArray, fold: int, cutoff: int) -> FloatArray:
    return to_link(panel.values[:, : cutoff + 1], unit[:, fold, None])


def _reconcile(
    centre: FloatArray,
    actual: FloatArray,
    unit: FloatArray,
    prior: FloatArray,
    cutoffs: NDArray[np.int64],
    structure: Structure,
) -> tuple[FloatArray, FloatArray]:
    """Coherent centres and the variances behind them, each fold from what it knew."""
    errors = link_errors(centre, actual, unit)
    coherent = np.empty_like(centre)
    variance = np.empty(centre.shape[:2])
    for fold in range(len(cutoffs)):
        width = learn_widths(known_errors(errors, cutoffs, fold), prior[:, fold], ages(cutoffs, fold))
        # The inverse link's slope turns a width on its scale into one in the units of y.
        slope = np.hypot(unit[:, fold, None], centre[:, fold])
        variance[:, fold] = np.square(np.nanmean(width * slope, axis=1))
        coherent[:, fold] = reconciler(structure, variance[:, fold])(centre[:, fold], non_negative=False)
    return coherent, variance
