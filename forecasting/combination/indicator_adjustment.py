"""Nowcasting: the combination adjusted for surprises in indicators that are public before the series' own months.

At each fold the errors of earlier folds are regressed on the surprises in indicators at them, and the combination is
moved by the effects of the surprises at hand. The regression is a ridge with the prior that indicators do not help: its
penalty, infinity included, is chosen by leaving out a year of folds at a time. Surprises and errors are bounded by
their robust deviations, so that no boom or outlier decides (docs/decisions/0025-indicators-adjust-the-combination.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.combination.indicator_surprises import LEADS, Surprises, find_surprises
from forecasting.data.indicators import IndicatorPanel
from forecasting.data.months import MONTH, MONTHS_PER_YEAR
from forecasting.types import FloatArray, MonthArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

# Steps that are adjusted: those with a known month, and the one after the last of them.
STEPS = LEADS + 1
# Ridge penalties in units of one bounded surprise a fold; the last means no effect.
PENALTIES = np.array([5.0, 10.0, 20.0, 40.0, 80.0, 160.0, np.inf])
# Beyond the last known month an indicator tells less, and must show more.
LEAST_CARRIED = 80.0
FEWEST_FOLDS = 20
BOUND = 2.5
# The date of Lunar New Year makes errors of these months large.
NEW_YEAR_WEIGHT = 0.25
# On the arsinh scale, where 1 is a factor of 2.7.
LARGEST = 0.3
NORMAL_DEVIATION = 1.4826


@dataclass(frozen=True)
class IndicatorEffects:
    """The effect of each indicator on the forecasts of each series, on the arsinh scale.

    `values` has shape (series, indicators, folds, STEPS) and `leads` (indicators, folds): the months known beyond each
    cutoff. `weights` (series, indicators, folds, STEPS) is the effect of a surprise of one robust deviation.
    """

    values: FloatArray
    weights: FloatArray
    leads: NDArray[np.int64]

    @property
    def total(self) -> FloatArray:
        """The bounded sum over the indicators, shape (series, folds, STEPS)."""
        return np.asarray(np.clip(self.values.sum(axis=1), -LARGEST, LARGEST))


def indicator_effects(
    known_errors: Sequence[FloatArray],
    surprises: Surprises,
    months: NDArray[np.int64],
    informs: NDArray[np.bool_],
) -> IndicatorEffects:
    """The effects of indicators on the forecasts of every fold, each from the errors known at its cutoff.

    `known_errors` has for each fold the errors of those before it, shape (series, earlier folds, horizon), NaN where
    not known at its cutoff; `months` (folds,) are the cutoffs as numbers since January 1970; `informs`
    (series, indicators) says which indicators may inform which series.
    """
    folds = len(months)
    horizon = known_errors[-1].shape[2] if folds else 0
    values = np.zeros((*informs.shape, folds, STEPS))
    weights = np.zeros_like(values)
    leads = np.stack([surprises.leads_at(fold) for fold in range(folds)], axis=1)
    for fold in range(folds):
        for step in range(1, min(STEPS, horizon) + 1):
            lead = np.minimum(step, leads[:, fold])
            # A month that no indicator has, and that does not follow one that some indicator has, is left alone.
            used = (lead > 0) & (step <= lead + 1)
            if not used.any():
                continue
            x = _surprises_of(surprises, fold, lead, used)
            penalties = PENALTIES if (step <= lead[used]).any() else PENALTIES[PENALTIES >= LEAST_CARRIED]
            target = months[: fold + 1] + step
            for row in np.flatnonzero((informs & used).any(axis=1)):
                effect = regress(known_errors[fold][row, :, step - 1], x[informs[row]], target, penalties)
                weights[row, informs[row], fold, step - 1] = effect
                values[row, informs[row], fold, step - 1] = effect * x[informs[row], -1]
    return IndicatorEffects(values, weights, leads)


def _surprises_of(surprises: Surprises, fold: int, lead: NDArray[np.int64], used: NDArray[np.bool_]) -> FloatArray:
    """Bounded surprises at the folds up to one, shape (indicators, fold + 1), each at its indicator's lead.

    In units of their robust deviation over these folds; zero where not public on the fold's day.
    """
    rows = np.arange(len(lead))
    values = surprises.values[rows, : fold + 1, np.maximum(lead, 1) - 1]
    known_on = surprises.known_on[rows, : fold + 1, np.maximum(lead, 1) - 1]
    values = np.where((known_on <= surprises.days[fold]) & used[:, None], values, np.nan)
    return bounded(values)


def bounded(values: FloatArray) -> FloatArray:
    """Values (k, n) in units of their row's robust deviation from zero, bounded; zero where not known."""
    known = np.isfinite(values)
    size = np.abs(np.where(known, values, np.nan))
    deviation = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else 0.0 for row in size])
    scale = np.where(deviation > 0, NORMAL_DEVIATION * deviation, np.inf)[:, None]
    return np.asarray(np.clip(np.where(known, values, 0.0) / scale, -BOUND, BOUND))


def regress(errors: FloatArray, x: FloatArray, target: NDArray[np.int64], penalties: FloatArray) -> FloatArray:
    """Ridge effects of the rows of `x` (k, folds + 1) on `errors` (folds,), NaN where not known, shape (k,).

    `target` (folds + 1,) are the months forecast, as numbers since January 1970; the last is the one to be adjusted.
    Zero where too few errors are known, or where no penalty but infinity lowers the error of left-out years.
    """
    known = np.flatnonzero(np.isfinite(errors))
    if len(known) < FEWEST_FOLDS:
        return np.zeros(len(x))
    y = errors[known]
    bound = BOUND * NORMAL_DEVIATION * np.median(np.abs(y))
    y, past = np.clip(y, -bound, bound), x[:, known].T
    weight = np.where(target[known] % MONTHS_PER_YEAR < 2, NEW_YEAR_WEIGHT, 1.0)
    years = (target[-1] - target[known] - 1) // MONTHS_PER_YEAR
    out = years == np.unique(years)[:, None]
    # Normal equations of all folds less those of each left-out year, and last of all folds.
    keep = np.vstack([np.where(out, 0.0, weight), weight])
    gram = np.einsum("yn,nk,nl->ykl", keep, past, past)
    cross = np.einsum("yn,nk,n->yk", keep, past, y)
    finite = penalties[np.isfinite(penalties)]
    system = gram[None] + finite[:, None, None, None] * np.eye(len(x))
    solved = np.linalg.solve(system, np.broadcast_to(cross, (len(finite), *cross.shape))[..., None])[..., 0]
    residual = y - np.einsum("pyk,nk->pyn", solved[:, :-1], past)
    loss = np.einsum("pyn,yn,n->p", residual**2, out.astype(float), weight)
    best = int(np.argmin(loss))
    if loss[best] >= float(weight @ y**2):
        return np.zeros(len(x))
    return np.asarray(solved[best, -1])


@dataclass(frozen=True)
class IndicatorAdjustment:
    """The combination before and after its adjustment, and its inputs.

    `ids` are the indicators' and `informs` (series, indicators) says which may inform which series; `plain` has shape
    (series, folds, horizon), in the units of `y`; `known_errors` are those of `plain`, as in `indicator_effects`.
    """

    ids: tuple[str, ...]
    informs: NDArray[np.bool_]
    surprises: Surprises
    effects: IndicatorEffects
    plain: FloatArray
    known_errors: tuple[FloatArray, ...]

    @property
    def informed(self) -> NDArray[np.bool_]:
        """The steps whose own month is known of an indicator that has weight, shape (series, folds, horizon)."""
        steps = 1 + np.arange(STEPS)
        known = steps <= np.expand_dims(self.effects.leads, 2)
        moved: NDArray[np.bool_] = ((self.effects.weights != 0) & known).any(axis=1)
        missing = self.plain.shape[2] - STEPS
        return np.pad(moved, ((0, 0), (0, 0), (0, missing))) if missing > 0 else moved[:, :, : missing or None]


def adjust_for_indicators(
    centre: FloatArray,
    unit: FloatArray,
    known_errors: Sequence[FloatArray],
    cutoffs: MonthArray,
    unique_ids: Sequence[str],
    indicators: IndicatorPanel,
) -> tuple[FloatArray, IndicatorAdjustment]:
    """The combination (series, folds, horizon), in the units of `y`, moved by surprises in indicators.

    `unit` (series, folds) is that of the arsinh transform; `known_errors` as in `indicator_effects`; `cutoffs` are
    months. A forecast of zero stays zero, and one that no indicator informs stays as it is to the bit.
    """
    ids = tuple(indicator.id for indicator in indicators.indicators)
    informs = np.array([[name in indicators.informs.get(uid, ()) for name in ids] for uid in unique_ids], dtype=bool)
    surprises = find_surprises(indicators, cutoffs)
    effects = indicator_effects(known_errors, surprises, cutoffs.astype(MONTH).astype(np.int64), informs)
    steps = slice(0, min(STEPS, centre.shape[2]))
    total = effects.total[..., steps]
    moved = inverse_transform(transform(centre[..., steps], unit[..., None]) + total, unit[..., None])
    adjusted = centre.copy()
    adjusted[..., steps] = np.where((total == 0) | (centre[..., steps] == 0), centre[..., steps], moved)
    return adjusted, IndicatorAdjustment(ids, informs, surprises, effects, centre, tuple(known_errors))
