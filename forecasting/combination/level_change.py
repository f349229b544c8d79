"""Young changes of level: the combination moved towards the level that a change has held for two to four months.

Half of the forecasters return from a new level to the usual one, which is right for most shocks to trade after a year
and too fast in the first months. A change is young if one month ahead the error was a multiple of the usual one and
every month known since has kept most of it. The second reading of it is the forecast made before the change plus the
median of its errors since; the combination moves towards it by a share that falls with the age of the
change, because the forecasters follow by themselves, and with the step, because part of most changes reverts.
"""

import numpy as np

from forecasting.combination.fold_data import FoldData
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform
from forecasting.uncertainty.jumps import large_errors

# Every month since has kept this share of the first one's error.
LASTING_SHARE = 0.7
# The share of the second reading when the change is two months old; it falls to zero at the age of OLD months.
LARGEST_SHARE, YOUNG, OLD = 0.6, 2, 5
# The share halves in so many steps.
HALVING = 12.0


def follow_level_changes(centre: FloatArray, data: FoldData) -> FloatArray:
    """The combination (series, folds, horizon) after young changes of level, same shape, in the units of `y`."""
    moved = centre.copy()
    for fold, month in enumerate(data.months.tolist()):
        ages = month - data.months[:fold]
        # The forecast before the change has to reach beyond the cutoff.
        recent = np.flatnonzero((ages >= YOUNG) & (ages < min(OLD, centre.shape[2])))
        if not len(recent):
            continue
        large = large_errors(_first_errors(centre, data, fold))
        # The first of several large errors is that of the change.
        for before in recent[::-1]:
            age = int(ages[before])
            known = np.isfinite(data.seen(fold)[:, -age:]).all(axis=1) & (centre[:, fold] != 0).all(axis=1)
            for row in np.flatnonzero(large[:, before] & known):
                unit = data.transform_unit[row, fold]
                earlier, now = transform(centre[row, before], unit), transform(centre[row, fold], unit)
                news = transform(data.outcomes[row, before, :age], unit) - earlier[:age]
                if (news / news[0] >= LASTING_SHARE).all():
                    moved[row, fold] = inverse_transform(now + _change(earlier, news, now), unit)
    return moved


def _first_errors(centre: FloatArray, data: FoldData, fold: int) -> FloatArray:
    """The errors one month ahead known at a fold, in its unit, shape (series, earlier folds, 1)."""
    unit, outcomes = data.transform_unit[:, fold, None, None], data.outcomes[:, :fold, :1]
    errors = transform(outcomes, unit) - transform(centre[:, :fold, :1], unit)
    return np.where(data.known_at(fold, data.outcomes[..., :1]), errors, np.nan)


def _change(earlier: FloatArray, news: FloatArray, now: FloatArray) -> FloatArray:
    """The amount that a change adds to the combination `now` (horizon,) on the arsinh scale.

    `earlier` (horizon,) is the combination before the change and `news` (age,) its errors since.
    """
    age = len(news)
    gap = earlier[age:] + np.median(news) - now[: len(now) - age]
    # The earlier combination does not reach the last steps.
    gap = np.concatenate([gap, np.full(age, gap[-1])])
    share = LARGEST_SHARE * (OLD - age) / (OLD - YOUNG)
    return np.asarray(share * 0.5 ** (np.arange(len(now)) / HALVING) * gap)
