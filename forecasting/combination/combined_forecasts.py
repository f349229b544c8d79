"""The combination over every fold, made coherent, with the errors it made: what the distribution is learnt from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.combination.cross_sectional_correction import correct
from forecasting.combination.weights import combine
from forecasting.data.hierarchy import Hierarchy, ended, find_structures, groups
from forecasting.data.history import FloatArray
from forecasting.data.panel import Panel
from forecasting.evaluation.metrics import seasonal_scales
from forecasting.evaluation.rolling_origin import BaseForecasts
from forecasting.uncertainty.arsinh_transform import transform, units
from forecasting.uncertainty.error_distribution import ErrorDistribution
from forecasting.uncertainty.error_scale import Record, estimate_error_scale, prior_scale
from forecasting.uncertainty.reconciliation import Reconciler, reconciler

# How far the correlation of errors is believed when draws are made coherent, for it is that of few folds.
CORRELATION_SHRINKAGE = 0.4


@dataclass(frozen=True)
class CombinedForecasts:
    """The combination at every fold.

    `centre`, `actual` and `came` have shape (series, folds, horizon), in the units of `y`: coherent means, the actuals
    that are scored, and those that errors are learnt from, where January and February are known by their sum alone too;
    NaN where a month is not known. `then` has what was known at a cutoff where it is not the panel's; `structures` are
    the folds' own, and `gone` (series, folds) parts that had ended by then, whose forecast is nought. `weights` has
    shape (series, folds, forecasters); `unit` (series, folds) is the link's; `prior` (series, folds) a first scale of
    the errors; `said` (series, folds, horizon) how wide each fold held its own to be; `group` (series,) as a `Record`
    has it.
    """

    panel: Panel
    base: BaseForecasts
    then: Mapping[int, FloatArray]
    structures: tuple[Hierarchy, ...]
    gone: NDArray[np.bool_]
    centre: FloatArray
    weights: FloatArray
    actual: FloatArray
    came: FloatArray
    unit: FloatArray
    prior: FloatArray
    said: FloatArray
    group: NDArray[np.int64]

    def reconciler(self, fold: int, distribution: ErrorDistribution) -> Reconciler:
        """The reconciler of a fold's draws, from their distribution.

        What errs together makes a whole's variance large next to its parts', yet its own draws know as much.
        """
        width, unit, centre = distribution.marginals.width, self.unit[:, fold], self.centre[:, fold]
        variance = _variance(width, unit, centre, self.gone[:, fold])
        common = np.sqrt(CORRELATION_SHRINKAGE * variance)[:, None] * distribution.loadings
        specific = variance * (1 - CORRELATION_SHRINKAGE * np.square(distribution.loadings).sum(axis=1))
        return reconciler(self.structures[fold], specific, common)

    def seen(self, fold: int) -> FloatArray:
        """The panel's values as known at a fold's cutoff, shape (series, months up to it)."""
        return _seen(self.panel, self.then, int(self.base.cutoffs[fold]))

    @cached_property
    def lowest(self) -> FloatArray:
        """The least that series are drawn as, shape (series, folds): nought, unless one had been below it by then."""
        least = [np.fmin.reduce(self.seen(fold), axis=1) for fold in range(self.centre.shape[1])]
        return np.where(np.stack(least, axis=1) < 0, -np.inf, 0.0)

    @cached_property
    def errors(self) -> FloatArray:
        """The combination's errors on the link's scale, shape (series, folds, horizon)."""
        return link_errors(self.centre, self.came, self.unit)

    def record(self, fold: int, errors: FloatArray) -> Record:
        """What was known at a fold's cutoff of errors (series, folds, horizon)."""
        return known_at(errors, self.prior, self.group, _numbers(self.panel, self.base), fold, self.seen(fold))


def combine_panel(
    panel: Panel, base: BaseForecasts, *, recent: int | None = None, then: Mapping[int, FloatArray] | None = None
) -> CombinedForecasts:
    """Combine and reconcile every fold, each from the errors of folds whose months it had seen.

    With `recent`, forecasters are weighed by the folds of that many months before each. `then` is what was known at
    past cutoffs, as in `fit_panel`.
    """
    horizon, then = base.means.shape[3], then or {}
    actual = panel.published_ahead(base.cutoffs.tolist(), horizon)
    scale = _by_fold(lambda values, cutoffs: seasonal_scales(values, cutoffs)[0], panel, base, then)
    centre, weights = _combine(base, actual, scale, recent)
    unit = _by_fold(units, panel, base, then)
    seen = [_seen(panel, then, cutoff) for cutoff in base.cutoffs.tolist()]
    structures = find_structures(panel, seen)
    gone = np.stack([ended(*each) for each in zip(structures, seen, strict=True)], axis=1)
    centre[gone] = 0.0
    sectors = panel.keys.get("sector", pd.Series("", index=panel.keys.index)).tolist()
    centre = correct(centre, actual, panel.values, unit, base.cutoffs, sectors, then)
    prior = np.stack([prior_scale(transform(each, unit[:, k, None])) for k, each in enumerate(seen)], axis=1)
    came = panel.ahead(base.cutoffs.tolist(), horizon)
    group = groups(panel)
    known = partial(known_at, link_errors(centre, came, unit), prior, group, _numbers(panel, base))
    centre, said = _reconcile(centre, unit, lambda fold: known(fold, seen[fold]), structures, gone)
    return CombinedForecasts(
        panel, base, then, structures, gone, centre, weights, actual, came, unit, prior, said, group
    )


def _seen(panel: Panel, then: Mapping[int, FloatArray], cutoff: int) -> FloatArray:
    return then.get(cutoff, panel.values[:, : cutoff + 1])


def _by_fold(
    measure: Callable[[FloatArray, NDArray[np.int64]], FloatArray],
    panel: Panel,
    base: BaseForecasts,
    then: Mapping[int, FloatArray],
) -> FloatArray:
    """A `measure` of values (series, months) at cutoffs, shape (series, folds), each of what was known there."""
    found = measure(panel.values, base.cutoffs)
    for fold, cutoff in enumerate(base.cutoffs.tolist()):
        if cutoff in then:
            found[:, fold] = measure(then[cutoff], np.array([cutoff]))[:, 0]
    return found


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
    return transform(actual, unit[..., None]) - transform(mean, unit[..., None])


def known_at(
    errors: FloatArray,
    prior: FloatArray,
    group: NDArray[np.int64],
    months: NDArray[np.int64],
    fold: int,
    seen: FloatArray,
) -> Record:
    """What was known at a fold's cutoff of `errors` (series, folds, horizon); `prior` has shape (series, folds).

    `months` (folds,) are the cutoffs as numbers since January 1970; `seen` (series, months) what was known at the last.
    """
    target = months[:fold, None] + 1 + np.arange(errors.shape[2])
    known = np.where(target <= months[fold], errors[:, :fold], np.nan)
    if np.isnan(seen[:, -1]).any():
        place = np.clip(target - months[fold] - 1, -seen.shape[1], -1)
        known[np.isnan(seen[:, place])] = np.nan
    return Record(known, months[:fold], int(months[fold]), prior[:, fold], group)


def _numbers(panel: Panel, base: BaseForecasts) -> NDArray[np.int64]:
    """The cutoffs (folds,) as months since January 1970."""
    return panel.months[base.cutoffs].astype("datetime64[M]").astype(np.int64)


def _reconcile(
    centre: FloatArray,
    unit: FloatArray,
    records: Callable[[int], Record],
    structures: Sequence[Hierarchy],
    gone: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Coherent centres, each fold from what it knew, its record; and the widths it learnt from that. Shapes alike."""
    coherent, said = np.empty_like(centre), np.empty_like(centre)
    for fold in range(centre.shape[1]):
        record = records(fold)
        said[:, fold] = estimate_error_scale(record).of(record.ahead)
        variance = _variance(said[:, fold], unit[:, fold], centre[:, fold], gone[:, fold])
        begun = np.isfinite(centre[:, fold]).all(axis=1, keepdims=True)
        base = np.where(begun, centre[:, fold], 0.0)
        summed = reconciler(structures[fold], variance)(base)
        coherent[:, fold] = np.where(begun, summed, np.nan)
    return coherent, said


def _variance(width: FloatArray, unit: FloatArray, centre: FloatArray, gone: NDArray[np.bool_]) -> FloatArray:
    """The variance of a step's error in squared units of `y`, but for a factor, shape (series,).

    A series that has not begun, whose `centre` is NaN, or is `gone` counts for nought in what it is a part of.
    """
    # The inverse link's slope turns a width on its scale into one in the units of y.
    variance = np.square(width * np.hypot(unit[:, None], centre)).mean(axis=1)
    return np.where(np.isfinite(centre).all(axis=1) & ~gone, variance, 0.0)
