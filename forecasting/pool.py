"""The combination over every fold, made coherent, with the errors it made: what the distribution is learnt from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.backtest import BaseForecasts
from forecasting.combination import combine
from forecasting.cross_section import correct
from forecasting.history import FloatArray
from forecasting.link import to_link, units
from forecasting.panel import Panel
from forecasting.reconciliation import Reconciler, reconciler
from forecasting.scores import seasonal_scales
from forecasting.structure import Structure, find_structure
from forecasting.widths import Record, learn_widths, prior_scale

# How far a whole's variance counts when draws are made coherent.
WHOLE = 0.2


@dataclass(frozen=True)
class Pool:
    """The combination at every fold.

    `centre`, `actual` and `came` have shape (series, folds, horizon), in the units of `y`: coherent means, the actuals
    that are scored, and those that errors are learnt from, where January and February are known by their sum alone too;
    NaN where a month is not known. `weights` has shape (series, folds, forecasters);
    `unit` (series, folds) is the link's; `prior` (series, folds) a first scale of the errors; `variance`
    (series, folds) that of a step's error in the units of `y`.
    """

    panel: Panel
    base: BaseForecasts
    structure: Structure
    centre: FloatArray
    weights: FloatArray
    actual: FloatArray
    came: FloatArray
    unit: FloatArray
    prior: FloatArray
    variance: FloatArray

    def reconciler(self, fold: int) -> Reconciler:
        """The reconciler of a fold's draws, weighing each series by the errors known then.

        What errs together makes a whole's variance large next to its parts'; the whole's own draws know as much.
        """
        whole = ~np.isin(np.arange(self.structure.size), self.structure.bottom)
        return reconciler(self.structure, self.variance[:, fold] * np.where(whole, WHOLE, 1.0))

    @cached_property
    def errors(self) -> FloatArray:
        """The combination's errors on the link's scale, shape (series, folds, horizon)."""
        return link_errors(self.centre, self.came, self.unit)

    def record(self, fold: int, errors: FloatArray) -> Record:
        """What was known at a fold's cutoff of errors (series, folds, horizon)."""
        return known_at(errors, self.prior, _numbers(self.panel, self.base), fold)


def make_pool(panel: Panel, base: BaseForecasts, *, recent: int | None = None) -> Pool:
    """Combine and reconcile every fold, each from the errors of folds whose months it had seen.

    With `recent`, forecasters are weighed by the folds of that many months before each.
    """
    horizon = base.means.shape[3]
    actual = panel.published_ahead(base.cutoffs.tolist(), horizon)
    scale, _ = seasonal_scales(panel.values, base.cutoffs)
    centre, weights = _combine(base, actual, scale, recent)
    unit = units(panel.values, base.cutoffs)
    sectors = panel.keys.get("sector", pd.Series("", index=panel.keys.index)).tolist()
    centre = correct(centre, actual, panel.values, unit, base.cutoffs, sectors)
    prior = np.stack([prior_scale(_linked(panel, unit, k, c)) for k, c in enumerate(base.cutoffs)], axis=1)
    structure = find_structure(panel)
    came = panel.ahead(base.cutoffs.tolist(), horizon)
    months = _numbers(panel, base)
    centre, variance = _reconcile(centre, came, unit, prior, months, structure)
    return Pool(panel, base, structure, centre, weights, actual, came, unit, prior, variance)


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


def known_at(errors: FloatArray, prior: FloatArray, months: NDArray[np.int64], fold: int) -> Record:
    """What was known at a fold's cutoff of `errors` (series, folds, horizon); `prior` has shape (series, folds).

    `months` (folds,) are the cutoffs as numbers since January 1970.
    """
    target = months[:fold, None] + 1 + np.arange(errors.shape[2])
    known = np.where(target <= months[fold], errors[:, :fold], np.nan)
    return Record(known, months[:fold], int(months[fold]), prior[:, fold])


def _numbers(panel: Panel, base: BaseForecasts) -> NDArray[np.int64]:
    """The cutoffs (folds,) as months since January 1970."""
    return panel.months[base.cutoffs].astype("datetime64[M]").astype(np.int64)


def _linked(panel: Panel, unit: FloatArray, fold: int, cutoff: int) -> FloatArray:
    return to_link(panel.values[:, : cutoff + 1], unit[:, fold, None])


def _reconcile(
    centre: FloatArray,
    came: FloatArray,
    unit: FloatArray,
    prior: FloatArray,
    months: NDArray[np.int64],
    structure: Structure,
) -> tuple[FloatArray, FloatArray]:
    """Coherent centres and the variances behind them, each fold from what it knew."""
    errors = link_errors(centre, came, unit)
    coherent = np.empty_like(centre)
    variance = np.empty(centre.shape[:2])
    for fold in range(len(months)):
        record = known_at(errors, prior, months, fold)
        width = learn_widths(record).of(record.ahead)
        # The inverse link's slope turns a width on its scale into one in the units of y.
        slope = np.hypot(unit[:, fold, None], centre[:, fold])
        # A series that has not begun counts for nought in what it is a part of.
        begun = np.asarray(np.isfinite(centre[:, fold]).all(axis=1))
        variance[:, fold] = np.where(begun, np.square((width * slope).mean(axis=1)), 0.0)
        base = np.where(begun[:, None], centre[:, fold], 0.0)
        summed = reconciler(structure, variance[:, fold])(base, non_negative=False)
        coherent[:, fold] = np.where(begun[:, None], summed, np.nan)
    return coherent, variance
