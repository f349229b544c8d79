"""Known errors in which a jump of a series counts once, however many folds failed to foresee it.

After a lasting change of level, every fold before it has the same large error at every month after it. Scale, growth
and shape of errors would then rest on one event for years, although the series is as calm as before. In the martingale
model of forecast evolution (Heath and Jackson 1994, IIE Transactions 26) these errors share one piece of news. As the
new level lasts, the news is subtracted from the errors of all folds before it but for the last one's first month, where
it counts. The error of a gross jump that lasted one month, as an error of reporting does, is bounded.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray

# A jump is an error one month ahead of more than so many times the usual one and of at least so much on the arsinh
# scale.
JUMP_RATIO, JUMP_SIZE = 7.0, 0.4
# The mean absolute value of a normal variable in units of its median absolute value.
MEAN_OF_MEDIAN = 1.18
# A jump has lasted if the next month has this share of its error and the known months have it in the median.
LASTING_SHARE = 0.7
# The share of a lasting jump that every further month at the new level leaves in the errors: a young one may revert.
DOUBT = 0.25
# A single month of this size, a factor of 7, is no error of forecasting: its errors are bounded at the limit of jumps.
GROSS_SIZE = 2.0
# The usual error needs some folds.
FEWEST_FOLDS = 6


def count_jumps_once(errors: FloatArray, cutoffs: NDArray[np.int64]) -> FloatArray:
    """The known errors (series, folds, horizon), NaN where unknown, with each jump counted once; same shape.

    `cutoffs` (folds,) are month numbers, ascending. Jumps in months without a fold just before them stay as they are.
    """
    if errors.shape[1] < FEWEST_FOLDS:
        return errors
    adjusted, limit = errors.copy(), _limit(errors)
    large = _exceed(errors, limit)
    for row in np.flatnonzero(large.any(axis=1)):
        # Later jumps first, because the errors after an earlier one contain them.
        for fold in np.flatnonzero(large[row])[::-1]:
            _count_once(adjusted[row], cutoffs[fold] - cutoffs[: fold + 1], float(limit[row]))
    return adjusted


def large_errors(errors: FloatArray) -> NDArray[np.bool_]:
    """Whether errors (series, folds, horizon), NaN where unknown, are those of a jump one month ahead: (series, folds).

    It takes some folds to tell.
    """
    return _exceed(errors, _limit(errors))


def _exceed(errors: FloatArray, limit: FloatArray) -> NDArray[np.bool_]:
    """Whether the error one month ahead is above the limit of its series: (series, folds)."""
    return np.asarray(np.nan_to_num(np.abs(errors[:, :, 0])) > limit[:, None])


def _limit(errors: FloatArray) -> FloatArray:
    """The largest absolute error one month ahead that is no jump, shape (series,)."""
    return np.maximum(JUMP_RATIO * _usual(np.abs(errors[:, :, 0])), JUMP_SIZE)


def _usual(sizes: FloatArray) -> FloatArray:
    """The usual absolute error of each series, shape (series,), of `sizes` (series, folds); infinite with few folds."""
    ranked = np.sort(sizes, axis=1)  # NaN sorts last
    count = np.isfinite(sizes).sum(axis=1)
    last = np.maximum(count - 1, 0)[:, None]
    low, high = (np.take_along_axis(ranked, place, axis=1)[:, 0] for place in (last // 2, (last + 1) // 2))
    return np.where(count >= FEWEST_FOLDS, MEAN_OF_MEDIAN * (low + high) / 2, np.inf)


def _count_once(errors: FloatArray, age: NDArray[np.int64], limit: float) -> None:
    """Count the jump after the last of some folds once in their errors (folds, horizon), in place.

    `age` (folds,) is the number of months from each fold to the last one. Too few months to tell leave it as it is.
    """
    last = len(age) - 1
    news = errors[last, np.isfinite(errors[last])]
    if len(news) == 1:
        return
    share = news / news[0]
    if min(share[1], np.median(share)) >= LASTING_SHARE:
        settled = np.median(news) * (1 - DOUBT ** (len(news) - 1))
        for fold in range(last + 1):
            errors[fold, max(age[fold], 1) :] -= settled
    elif abs(share[1]) < LASTING_SHARE and abs(news[0]) > GROSS_SIZE:
        excess = news[0] - np.clip(news[0], -limit, limit)
        for place in np.flatnonzero(age < errors.shape[1]):
            errors[place, age[place]] -= excess
