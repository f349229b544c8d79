"""The last value of a series where it is unusual: a mixture of two readings.

A last value far from its forecast is either a single event (a reporting error, a strike, one large delivery) or the
first month of a lasting change, and the series itself cannot tell which until the next month is known. Draws follow
both readings, each with its probability. The centre stays the combination, whose forecasters follow such a value in
part, which is where the outcomes were on average; after a gross value it is that of the single event.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

# An error of more than so many times the error scale, and of at least so much on the arsinh scale, is unusual.
UNUSUAL_RATIO, UNUSUAL_SIZE = 5.0, 0.4
# A value so far above its forecast on the arsinh scale, a factor of 20, is gross: most are errors of reporting.
GROSS_SIZE = 3.0
# The probability of a lasting change falls with the size of the jump from the first of these to the second, because few
# changes of level are as large as errors of reporting.
LARGEST_PROBABILITY, SMALLEST_PROBABILITY, FALL = 0.4, 0.15, 0.1


@dataclass(frozen=True)
class LastValueReadings:
    """Two readings of the last values at a cutoff.

    `unusual` and `gross` have shape (series,); `single` and `lasting` (series, horizon), in the units of `y`, are the
    centres if the value is a single event and if it is the start of a change; `probability` (series,) is that of the
    change.
    """

    unusual: NDArray[np.bool_]
    gross: NDArray[np.bool_]
    single: FloatArray
    lasting: FloatArray
    probability: FloatArray

    def of_unusual(self) -> "UnusualReadings":
        """The readings of the series with an unusual value, which are few."""
        rows = self.unusual
        return UnusualReadings(rows, self.single[rows], self.lasting[rows], self.probability[rows])


@dataclass(frozen=True)
class UnusualReadings:
    """The readings of the series that are `unusual` (series,), in their order; the others as in LastValueReadings."""

    unusual: NDArray[np.bool_]
    single: FloatArray
    lasting: FloatArray
    probability: FloatArray


def read_last_values(
    centre: FloatArray, earlier: FloatArray, last: FloatArray, error_scale: FloatArray, unit: FloatArray
) -> LastValueReadings:
    """The readings of the second of the values `last` (series, 2), given centres (series, horizon).

    `earlier` are the centres of the cutoff a month before, whose first step is the forecast of the value; `error_scale`
    (series,) is the mean absolute error expected of that step and `unit` (series,) the unit of the arsinh transform.
    """
    now, before = transform(centre, unit[:, None]), transform(earlier, unit[:, None])
    months = transform(last, unit[:, None])
    jump = months[:, -1] - before[:, 0]
    least = np.maximum(UNUSUAL_RATIO * error_scale, UNUSUAL_SIZE)
    # A value near that of the month before continues a change that has begun.
    with np.errstate(invalid="ignore"):
        unusual = np.minimum(np.abs(jump), np.abs(months[:, -1] - months[:, 0])) > least
    single = np.concatenate([before[:, 1:], before[:, -1:] + _last_change(now, before, months)], axis=1)
    probability = np.clip(
        LARGEST_PROBABILITY - FALL * (np.abs(jump) - UNUSUAL_SIZE), SMALLEST_PROBABILITY, LARGEST_PROBABILITY
    )
    lasting = inverse_transform(single + jump[:, None], unit[:, None])
    return LastValueReadings(
        unusual=np.asarray(unusual),
        gross=np.asarray(unusual & (jump > GROSS_SIZE)),
        single=inverse_transform(single, unit[:, None]),
        lasting=np.where((last[:, -1:] >= 0) & (earlier >= 0), np.maximum(lasting, 0.0), lasting),
        probability=np.where(unusual, probability, 0.0),
    )


def _last_change(now: FloatArray, before: FloatArray, months: FloatArray) -> FloatArray:
    """The change to the last step, of which the earlier cutoff has no forecast, shape (series, 1).

    It is that of a year before, which is not the present cutoff's: the season of that contains the unusual value. A
    horizon shorter than a year has no such month.
    """
    horizon = now.shape[1]
    if horizon >= MONTHS_PER_YEAR:
        expected = np.concatenate([months[:, :1], before], axis=1)
        place = horizon + 1 - MONTHS_PER_YEAR
        return np.asarray(expected[:, place : place + 1] - expected[:, place - 1 : place])
    return np.asarray(now[:, -1:] - now[:, -2:-1]) if horizon > 1 else np.zeros((len(now), 1))
