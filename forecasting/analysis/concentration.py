"""Concentration of a whole over its parts: the Herfindahl-Hirschman index and the shares of the largest parts.

The index of each draw rises with the dispersion of the draws: its mean is the index of the expected shares plus the sum
of the variances of the shares. The index reported is that of the expected shares; the draws around it are those of the
index, shifted by this bias. The largest parts are the same in every draw, those with the largest expected shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.analysis.period_draws import PeriodDraws, SeriesPaths, period_draws
from forecasting.analysis.periods import Period
from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class ConcentrationDraws:
    """Draws of concentration over periods.

    `index` is in HHI points, 0 to 10,000. `shares` are in per cent, shape (parts, draws, periods), and `order` (parts,
    periods) sorts the parts by expected share, the largest first.
    """

    index: PeriodDraws
    shares: FloatArray
    order: NDArray[np.int64]

    def top(self, number: int) -> PeriodDraws:
        """Joint share of the `number` largest parts, in per cent."""
        places = self.order[:number, None, :]
        return PeriodDraws(np.take_along_axis(self.shares, places, axis=0).sum(axis=0), self.index.reasons)


def concentration(parts: Sequence[SeriesPaths], whole: SeriesPaths, periods: Sequence[Period]) -> ConcentrationDraws:
    """Concentration of a whole over its parts; NaN where a part or the whole is not known."""
    found = [period_draws("share", part, periods, whole) for part in parts]
    by_period = zip(*(part.reasons for part in found), strict=True)
    reasons = tuple(next((reason for reason in period_reasons if reason), None) for period_reasons in by_period)
    shares = np.stack([part.values for part in found])
    expected = shares.mean(axis=1)
    index = np.square(shares).sum(axis=0)
    index += np.square(expected).sum(axis=0) - index.mean(axis=0)
    unknown = [reason is not None for reason in reasons]
    index[:, unknown] = np.nan
    return ConcentrationDraws(PeriodDraws(index, reasons), shares, np.argsort(-expected, axis=0, kind="stable"))
