"""Cross-sectional correction: a regression of the combination's errors on the recent history of all series.

After a boom a market falls back further than forecasters, which see one series at a time, predict; the experience of
many markets after such months is informative. On the arsinh scale, the errors of earlier folds are regressed by ridge
on momentum, season and level of each series and of its sector at the time. Both sides are centred over the series, so
that the direction of the whole panel is not learnt: one boom or collapse would determine it. Older folds get less
weight. The ridge penalty, which may exclude the correction altogether, is chosen by leaving out a year of folds at a
time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

# Penalties in units of each regressor's own sum of squares; infinity means no correction.
PENALTIES = np.array([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, np.inf])
# Folds whose first month must be known.
FEWEST_FOLDS = 12
# A step's regression includes errors at other steps, with the ratio of the smaller to the larger step to this power.
NEARNESS = 20.0
# Fewer series than regressors do not determine their effects.
FEWEST_SERIES = 14
# Months after which the weight of a fold halves.
HALF_LIFE = 18.0
# On the arsinh scale, where 1 is a factor of 2.7: errors and regressors are clipped at the first, corrections at the
# second.
ERROR_LIMIT, CORRECTION_LIMIT = 1.5, 0.5
# The weight of the newest month in the slow mean.
SLOW = 0.1
# The sums of earlier folds are computed again once the series that represent the panel changed by this share.
LARGEST_CHANGE = 0.02
Sums = tuple[FloatArray, FloatArray]


def correct(
    centre: FloatArray,
    actual: FloatArray,
    values: FloatArray,
    transform_unit: FloatArray,
    cutoffs: NDArray[np.int64],
    sectors: Sequence[str],
    vintage_values: Mapping[int, FloatArray] | None = None,
    representative: NDArray[np.bool_] | None = None,
) -> FloatArray:
    """The combination corrected by a regression on earlier folds' errors, shape (series, folds, horizon), units of `y`.

    `centre` and `actual`, NaN where unknown, have that shape too; `values` (series, months) are the panel's, of which a
    fold sees those up to its cutoff, or those in `vintage_values` for it; `transform_unit` (series, folds) is the unit
    of the arsinh transform; `cutoffs` are positions in the months. `representative` (series, folds) marks the series
    from which the correction is estimated, by default all.
    """
    if len(centre) < FEWEST_SERIES:
        return centre.copy()
    if representative is None:
        representative = np.ones(centre.shape[:2], dtype=bool)
    folds = _Folds(
        centre=centre,
        actual=actual,
        values=values,
        transform_unit=transform_unit,
        cutoffs=cutoffs,
        groups=pd.factorize(np.asarray(sectors))[0],
        vintage_values=vintage_values or {},
        slow=_slow_mean(values),
    )
    corrected, sums = np.empty_like(centre), list[Sums]()
    included = np.zeros(len(centre), dtype=bool)
    for fold in range(centre.shape[1]):
        chosen, earlier = representative[:, fold], representative[:, :fold]
        changed = (included != chosen) & earlier.any(axis=1)
        if changed.sum() > LARGEST_CHANGE * chosen.sum():
            # The errors of a series that ended or collapsed since are no evidence for the others.
            sums = [folds.sums(past, earlier[:, past] & chosen) for past in range(fold)]
            included = chosen.copy()
        coefficients = _coefficients(sums, cutoffs[: fold + 1], centre.shape[2])
        corrected[:, fold] = folds.corrected(fold, chosen, coefficients)
        sums.append(folds.sums(fold, chosen))
        included |= chosen
    return corrected


@dataclass(frozen=True)
class _Folds:
    """The data known at each fold; the fields are the arguments of `correct`, `slow` the slow mean of the values."""

    centre: FloatArray
    actual: FloatArray
    values: FloatArray
    transform_unit: FloatArray
    cutoffs: NDArray[np.int64]
    groups: NDArray[np.int64]
    vintage_values: Mapping[int, FloatArray]
    slow: FloatArray

    def transformed(self, fold: int) -> FloatArray:
        """The combination on the arsinh scale, shape (series, horizon)."""
        return transform(self.centre[:, fold], self.transform_unit[:, fold, None])

    def seen(self, fold: int) -> FloatArray:
        """The values known at a fold, shape (series, months up to it)."""
        cutoff = int(self.cutoffs[fold])
        return self.vintage_values.get(cutoff, self.values[:, : cutoff + 1])

    def regressors(self, fold: int, chosen: NDArray[np.bool_]) -> FloatArray:
        """The regressors of `_regressors`, with sector means over the `chosen` series (series,)."""
        cutoff = int(self.cutoffs[fold])
        revised = cutoff in self.vintage_values
        slow = _slow_mean(self.vintage_values[cutoff])[:, -1] if revised else self.slow[:, cutoff]
        unit = self.transform_unit[:, fold]
        return _regressors(self.seen(fold), slow, unit, self.transformed(fold), self.groups, chosen)

    def sums(self, fold: int, chosen: NDArray[np.bool_]) -> Sums:
        """The normal equations of a fold over the `chosen` series."""
        error = transform(self.actual[:, fold], self.transform_unit[:, fold, None]) - self.transformed(fold)
        error = np.where(chosen[:, None], np.clip(error, -ERROR_LIMIT, ERROR_LIMIT), np.nan)
        return _sums(self.regressors(fold, chosen), error)

    def corrected(self, fold: int, chosen: NDArray[np.bool_], coefficients: FloatArray) -> FloatArray:
        """The combination of a fold corrected by `coefficients` (horizon, k), shape (series, horizon)."""
        transformed, regressors = self.transformed(fold), self.regressors(fold, chosen)
        around = regressors - _mean_over(regressors, np.isfinite(transformed) & chosen[:, None])[0]
        correction = np.clip(np.einsum("shk,hk->sh", around, coefficients), -CORRECTION_LIMIT, CORRECTION_LIMIT)
        # Series that never traded or never change are not corrected.
        constant = _constant(self.seen(fold)[:, -2 * MONTHS_PER_YEAR :])
        ahead = inverse_transform(transformed + correction, self.transform_unit[:, fold, None])
        return np.where((self.centre[:, fold] == 0) | constant[:, None], self.centre[:, fold], ahead)


def _regressors(
    seen: FloatArray,
    slow: FloatArray,
    transform_unit: FloatArray,
    transformed: FloatArray,
    groups: NDArray[np.int64],
    representative: NDArray[np.bool_],
) -> FloatArray:
    """Regressors of each series and their means over its sector, shape (series, horizon, regressors).

    Momentum over a month, a quarter, half a year and a year; the season a year ago; the transformed combination
    relative to the last quarter, and to the slow mean.
    """
    history = transform(seen[:, -2 * MONTHS_PER_YEAR :], transform_unit[:, None])
    year = _mean(history[:, -MONTHS_PER_YEAR:])
    means = [_mean(history[:, -months:]) for months in (1, 3, 6)] + [year, _mean(history[:, :-MONTHS_PER_YEAR])]
    horizon = transformed.shape[1]
    momentum = np.repeat(np.diff(np.stack(means, axis=1))[:, None], horizon, axis=1)
    padded = np.pad(history, ((0, 0), (max(MONTHS_PER_YEAR - history.shape[1], 0), 0)), constant_values=np.nan)
    season = padded[:, -MONTHS_PER_YEAR + np.arange(horizon) % MONTHS_PER_YEAR] - year[:, None]
    expected = transformed - means[1][:, None]
    level = transform(slow, transform_unit)[:, None] - transformed
    own = np.concatenate([momentum, np.stack([season, expected, level], axis=2)], axis=2)
    own = np.clip(np.nan_to_num(own), -ERROR_LIMIT, ERROR_LIMIT)
    members = [own[(groups == group) & representative] for group in range(groups.max() + 1)]
    means_of_sectors = [rows.mean(axis=0) if len(rows) else np.zeros(own.shape[1:]) for rows in members]
    sector = np.stack(means_of_sectors)[groups]
    return np.concatenate([own, sector], axis=2)


def _sums(regressors: FloatArray, error: FloatArray) -> Sums:
    """A fold's normal equations by step: cross products (horizon, k, k) and products (horizon, k)."""
    known = np.isfinite(error)
    known &= known.sum(axis=0) >= FEWEST_SERIES
    x, counts = _around_mean(regressors, known)
    y = np.where(known, error, 0.0)
    y = np.where(known, y - y.sum(axis=0) / counts, 0.0)
    x = x.transpose(1, 2, 0)
    return x @ x.transpose(0, 2, 1), np.einsum("hks,sh->hk", x, y)


def _coefficients(sums: Sequence[Sums], cutoffs: NDArray[np.int64], horizon: int) -> FloatArray:
    """Coefficients by step, shape (horizon, regressors), from errors of months known at the last cutoff.

    A step of which few errors or none are known gets the coefficients of the nearest ones.
    """
    if not sums:
        return np.zeros((horizon, 1))
    cross, products = (np.stack(part) for part in zip(*sums, strict=True))
    known = (cutoffs[:-1, None] + 1 + np.arange(horizon) <= cutoffs[-1]).astype(float)
    ages = cutoffs[-1] - cutoffs[:-1]
    counting = known * 0.5 ** (ages / HALF_LIFE)[:, None]
    years = ages // MONTHS_PER_YEAR
    if known[:, 0].sum() < FEWEST_FOLDS or len(np.unique(years[known.any(axis=1)])) < 2:
        # No penalty can be chosen by leaving out a year.
        return np.zeros(products.shape[1:])
    near = _nearness(horizon)
    whole = [np.tensordot(near, _over_folds(counting, part), axes=1) for part in (cross, products)]
    loss = np.zeros(len(PENALTIES))
    for year in np.unique(years):
        out = counting * (years == year)[:, None]
        left = [_over_folds(out, part) for part in (cross, products)]
        others = [total - np.tensordot(near, part, axes=1) for total, part in zip(whole, left, strict=True)]
        tried = _ridge(*others)
        loss += np.einsum("phk,hkl,phl->p", tried, left[0], tried) - 2 * np.einsum("phk,hk->p", tried, left[1])
    # The strongest of equally good penalties.
    best: FloatArray = _ridge(*whole)[len(loss) - 1 - int(np.argmin(loss[::-1]))]
    return best


def _over_folds(counting: FloatArray, part: FloatArray) -> FloatArray:
    """The sum (horizon, ...) over folds of a part of their normal equations (folds, horizon, ...)."""
    total: FloatArray = np.einsum("fh,fh...->h...", counting, part)
    return total


def _nearness(horizon: int) -> FloatArray:
    """How much the errors at each step (second axis) count in the regression of a step (first axis)."""
    steps = 1.0 + np.arange(horizon)
    nearness: FloatArray = np.exp(-NEARNESS * np.abs(np.log(steps[:, None] / steps)))
    return nearness


def _ridge(cross: FloatArray, products: FloatArray) -> FloatArray:
    """Ridge coefficients for every penalty, shape (penalties, horizon, k); regressors are scaled to unit size."""
    size = np.sqrt(np.einsum("hkk->hk", cross))
    size = np.where(size > 1e-6, size, np.inf)
    scaled = cross / size[:, :, None] / size[:, None, :]
    found = np.zeros((len(PENALTIES), *products.shape))
    for place, penalty in enumerate(PENALTIES[:-1]):
        system = scaled + penalty * np.eye(products.shape[1])
        found[place] = np.linalg.solve(system, (products / size)[:, :, None])[..., 0] / size
    return found


def _around_mean(regressors: FloatArray, known: NDArray[np.bool_]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Regressors centred over the series known at a step, zero for the others, and the number of those known."""
    mean, counts = _mean_over(regressors, known)
    return np.where(known[..., None], regressors - mean, 0.0), counts


def _mean_over(regressors: FloatArray, known: NDArray[np.bool_]) -> tuple[FloatArray, NDArray[np.int64]]:
    """The mean of regressors (horizon, k) over the series known at each step, and the number of those."""
    counts = np.maximum(known.sum(axis=0), 1)
    return np.einsum("shk,sh->hk", regressors, known.astype(float)) / counts[:, None], counts


def _slow_mean(values: FloatArray) -> FloatArray:
    """Exponentially smoothed values (series, months), from each series' first; zero before it."""
    slow = np.zeros_like(values)
    level = np.full(len(values), np.nan)
    for month, value in enumerate(values.T):
        level = np.where(np.isnan(level), value, np.where(np.isnan(value), level, SLOW * value + (1 - SLOW) * level))
        slow[:, month] = np.nan_to_num(level)
    return slow


def _constant(values: FloatArray) -> NDArray[np.bool_]:
    """Whether the known values of each series are all equal, shape (series,)."""
    return np.asarray(np.fmax.reduce(values, axis=1) == np.fmin.reduce(values, axis=1))


def _mean(values: FloatArray) -> FloatArray:
    """Means over the known months (axis 1), NaN where there is none."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
