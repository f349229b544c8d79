"""A world whose runs have seen half a year, and what they say by an obvious loop over draws and months."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.spans import month_number, read_span
from tests.world import FIRST, Published, observed

CUTOFF = np.datetime64("2025-07")
AS_OF = date(2025, 8, 20)
PARTNERS, SECTORS = ("DEU", "FRA", "USA"), ("BATTERIES", "EV")
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Half:
    """A run with the cutoff CUTOFF and 24 months ahead."""

    run: Published

    def draws(self, unique_id: str, period: str) -> FloatArray:
        """A series summed over a period in every draw, shape (draws,), month by month."""
        start, cutoff = (month_number(*map(int, str(month).split("-"))) for month in (FIRST, CUTOFF))
        span = read_span(period)
        known, paths = observed(unique_id), self.run.paths[self.run.row(unique_id)]
        total = np.zeros(len(paths))
        for month in range(span.first, span.last + 1):
            total = total + (known[month - start] if month <= cutoff else paths[:, month - cutoff - 1].astype(float))
        return total

    def growth(self, unique_id: str, period: str, base: str) -> FloatArray:
        """Its growth from one period to another in per cent, shape (draws,)."""
        return (self.draws(unique_id, period) / self.draws(unique_id, base) - 1) * 100


def row_of(series: dict[str, Any], period: str) -> dict[str, Any]:
    """The row of a period in an answer."""
    (row,) = [row for row in series["months"] if row["period"] == period]
    return dict(row)
