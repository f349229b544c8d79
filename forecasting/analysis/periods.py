"""Months, January with February, quarters and calendar years, and their growth on a year ago, out of monthly values.

Positions are steps: 1 is the first month after the cutoff, 0 the cutoff itself, -1 the month before.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.data.history import FloatArray, RealArray

LENGTHS = {"month": 1, "jan_feb": 2, "quarter": 3, "year": 12}
KINDS = tuple(LENGTHS)
YEAR = 12
# A year's growth on the year before looks back this far from a first step in January.
LOOK_BACK = 24


@dataclass(frozen=True, slots=True)
class Period:
    """A span of `length` months of a kind, the last of them at `step` (1 or more)."""

    kind: str
    step: int
    length: int

    @property
    def first(self) -> int:
        """The step of the first month: zero or less where part of the period is already observed."""
        return self.step - self.length + 1


def periods(cutoff: np.datetime64, horizon: int, kind: str) -> list[Period]:
    """Every period of a kind that ends 1 to `horizon` months after the cutoff, in order.

    January with February only counts while both are to come; a quarter or a year may be partly observed.
    """
    length = LENGTHS[kind]
    calendar_month = int(cutoff.astype("datetime64[M]").astype(int)) % YEAR + 1
    ends = [step for step in range(1, horizon + 1) if _ends(kind, (calendar_month + step - 1) % YEAR + 1)]
    found = [Period(kind, step, length) for step in ends]
    return [period for period in found if kind != "jan_feb" or period.first >= 1]


def totals(paths: RealArray, observed: FloatArray, found: list[Period], *, back: int = 0) -> FloatArray:
    """Sums over periods, `back` months earlier, shape (series, draws, periods).

    `paths` has shape (series, draws, horizon); `observed` (series, past) holds the months up to the cutoff, the last
    one last. A period is NaN that reaches before them, or holds a month that is NaN.
    """
    past, horizon = observed.shape[1], paths.shape[2]
    weights = np.zeros((past + horizon, len(found)))
    beyond = np.zeros(len(found), dtype=bool)
    for column, period in enumerate(found):
        first = past + period.first - 1 - back
        beyond[column] = first < 0
        weights[max(first, 0) : max(first + period.length, 0), column] = 1.0
    known = _sums(observed, weights[:past])
    known[:, beyond] = np.nan
    sums: FloatArray = known[:, None, :] + _sums(paths, weights[past:])
    return sums


def _sums(values: RealArray, weights: FloatArray) -> FloatArray:
    """`values @ weights`, NaN only where a value that counts is NaN: a product would spread it to every sum."""
    missing = np.isnan(values)
    known: FloatArray = np.where(missing, 0.0, values) if missing.any() else np.asarray(values)
    sums: FloatArray = known @ weights
    sums[np.asarray(missing, dtype=np.float64) @ weights > 0] = np.nan
    return sums


def growth(paths: RealArray, observed: FloatArray, found: list[Period]) -> FloatArray:
    """Growth of periods on a year ago, in per cent, shape (series, draws, periods); NaN on a base of zero."""
    now = totals(paths, observed, found)
    before = totals(paths, observed, found, back=YEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, 100 * (now / before - 1), np.nan)


def _ends(kind: str, calendar_month: int) -> bool:
    if kind == "month":
        return True
    if kind == "jan_feb":
        return calendar_month == 2
    return calendar_month % LENGTHS[kind] == 0
