"""Answers from joint paths: sums of months, changes, growth, shares, probabilities.

A draw is the same future in every series, so that identities of the paths hold in the answers. Months up to the cutoff
are observed. Units have the names of FRED, the database of the Federal Reserve Bank of St. Louis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from forecasting.analysis.periods import KIND_OF_LENGTH, Period
from forecasting.data.months import MONTHS_PER_YEAR, month_text
from forecasting.path_quantiles import path_quantiles
from forecasting.types import FloatArray, RealArray

Units = Literal["lin", "chg", "pch", "pc1", "ch1", "log", "share", "contribution"]
UNITS: tuple[Units, ...] = get_args(Units)
OF_A_WHOLE: frozenset[Units] = frozenset({"share", "contribution"})
ON_THE_PERIOD_BEFORE: frozenset[Units] = frozenset({"chg", "pch"})
ON_A_YEAR_AGO: frozenset[Units] = frozenset({"pc1", "ch1", "contribution"})
HAVE_A_PERIOD_BEFORE = ("month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class SeriesPaths:
    """A series' past and draws: `observed` (past,) from month `start` to the cutoff, `paths` (draws, horizon).

    `observed` is NaN where not known. `joined` (past,) marks a February published as one figure with the January before
    it: each has half of it, and only their sum is known.
    """

    start: int
    observed: FloatArray
    joined: NDArray[np.bool_]
    paths: RealArray


@dataclass(frozen=True, slots=True)
class PeriodDraws:
    """Draws of a quantity, shape (draws, periods); a period without draws is NaN, and `reasons` has the reason."""

    values: FloatArray
    reasons: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class ProbabilityEstimate:
    """A probability as a share of the draws, its Monte Carlo standard error, and the number of draws."""

    probability: float
    standard_error: float
    draws: int


def months_needed(periods: Sequence[Period], units: Units) -> tuple[int, int]:
    """First and last month that an answer depends on."""
    back = max((_back(period, units) for period in periods), default=0)
    return min(period.first for period in periods) - back, max(period.last for period in periods)


def add_up(all_paths: Sequence[SeriesPaths], signs: Sequence[int]) -> SeriesPaths:
    """The signed sum of series over the same months, draw by draw: a group, or a balance."""
    first, weights = all_paths[0], np.asarray(signs, dtype=np.float64)
    return SeriesPaths(
        start=first.start,
        observed=weights @ np.stack([paths.observed for paths in all_paths]),
        joined=np.any([paths.joined for paths in all_paths], axis=0),
        paths=np.tensordot(weights, np.stack([paths.paths for paths in all_paths]).astype(np.float64), axes=1),
    )


def period_draws(
    units: Units, series_paths: SeriesPaths, periods: Sequence[Period], whole: SeriesPaths | None = None
) -> PeriodDraws:
    """Draws of a series over periods in the given units; a share or a contribution is of `whole`.

    Levels and changes are in the series' own unit, growth (`pch`, `pc1`) and shares in per cent, contributions to the
    growth of the whole on a year ago in percentage points. Growth needs a positive base in every draw.
    """
    level = period_sums(series_paths, periods)
    if units == "lin":
        return level
    if units == "log":
        return _log(level, periods)
    earlier = [period.back(_back(period, units)) for period in periods]
    if units == "share":
        return _per_cent(level, period_sums(_given(whole), periods), periods)
    change = _change(level, period_sums(series_paths, earlier))
    if units in ("chg", "ch1"):
        return change
    return _per_cent(change, period_sums(series_paths if whole is None else whole, earlier), earlier)


def ratio_draws(
    units: Units, numerator: SeriesPaths, denominator: SeriesPaths, periods: Sequence[Period], multiple: float
) -> PeriodDraws:
    """Draws of `multiple` times the ratio of two series' sums over periods, as a unit value, or of its change.

    None where the denominator is zero or negative in any draw. `units` is neither a share nor a contribution.
    """
    level = _ratio(numerator, denominator, periods, multiple)
    if units == "lin":
        return level
    if units == "log":
        return _log(level, periods)
    earlier = [period.back(_back(period, units)) for period in periods]
    before = _ratio(numerator, denominator, earlier, multiple)
    change = _change(level, before)
    return change if units in ("chg", "ch1") else _per_cent(change, before, earlier)


def _ratio(numerator: SeriesPaths, denominator: SeriesPaths, periods: Sequence[Period], multiple: float) -> PeriodDraws:
    found = _per_cent(period_sums(numerator, periods), period_sums(denominator, periods), periods)
    return PeriodDraws(found.values * (multiple / 100), found.reasons)


def period_sums(series_paths: SeriesPaths, periods: Sequence[Period]) -> PeriodDraws:
    """Sums over the months of each period, in the series' own unit."""
    past = len(series_paths.observed)
    weights = np.zeros((past + series_paths.paths.shape[1], len(periods)))
    for column, period in enumerate(periods):
        weights[max(period.first - series_paths.start, 0) : period.last - series_paths.start + 1, column] = 1.0
    known = np.nan_to_num(series_paths.observed) @ weights[:past]
    reasons = tuple(_gap(series_paths, period) for period in periods)
    return _without(known + series_paths.paths @ weights[past:], reasons)


def summarise(drawn: PeriodDraws, probabilities: Sequence[float]) -> list[list[float] | None]:
    """Mean, median and quantiles of each period, in this order; None for a period without draws."""
    kept = [column for column, reason in enumerate(drawn.reasons) if reason is None]
    values = drawn.values[:, kept]
    found: list[list[float] | None] = [None] * len(drawn.reasons)
    if kept:
        quantiles = path_quantiles(values, [0.5, *probabilities])
        rows = np.vstack([values.mean(axis=0), quantiles]).T.tolist()
        for column, row in zip(kept, rows, strict=True):
            found[column] = row
    return found


def probability(values: FloatArray, *, above: float | None = None, below: float | None = None) -> ProbabilityEstimate:
    """The probability that draws (draws,) exceed `above`, are at most `below`, or both.

    A draw equal to a threshold counts as below it, so that the probabilities above and below it sum to one.
    """
    inside = np.ones(len(values), dtype=bool)
    if above is not None:
        inside &= values > above
    if below is not None:
        inside &= values <= below
    share = float(inside.mean())
    return ProbabilityEstimate(share, share_error(share, len(values)), len(values))


def share_error(share: float, number: int) -> float:
    """Standard error of a share of `number` independent cases, positive even for a share of 0 or 1.

    Two cases are added to each side (Agresti and Coull 1998, The American Statistician 52).
    """
    centre = (share * number + 2) / (number + 4)
    return float(np.sqrt(centre * (1 - centre) / (number + 4)))


def answer_unit(units: Units, unit: str) -> str:
    """The unit of an answer about a quantity in `unit`."""
    named = {"pch": "%", "pc1": "%", "share": "%", "contribution": "percentage points", "log": f"log {unit}"}
    return named.get(units, unit)


def coverage_kind(kind: str, units: Units) -> str | None:
    """The kind of backtest forecast whose coverage applies to an answer over a kind of period; None if none is scored.

    A logarithm lies within its interval whenever the level does, and a change whenever the growth on the same base
    does, where the base is observed.
    """
    if kind not in KIND_OF_LENGTH.values():
        return None
    if units in ("lin", "log"):
        return kind
    on_a_year_ago = units in ("pc1", "ch1") or (kind == "year" and units in ON_THE_PERIOD_BEFORE)
    return f"{kind}_growth" if on_a_year_ago else None


def _back(period: Period, units: Units) -> int:
    """The months between a period and the one it is compared with."""
    if units in ON_A_YEAR_AGO:
        return MONTHS_PER_YEAR
    return period.months if units in ON_THE_PERIOD_BEFORE else 0


def _given(whole: SeriesPaths | None) -> SeriesPaths:
    if whole is None:
        raise TypeError("a share is of a whole")
    return whole


def _gap(series_paths: SeriesPaths, period: Period) -> str | None:
    """Why the sum over a period is not known; None if it is."""
    past, first = len(series_paths.observed), period.first - series_paths.start
    after = period.last - series_paths.start + 1
    if first < 0:
        return f"{month_text(period.first)} is not observed"
    end = past + series_paths.paths.shape[1]
    if after > end:
        return f"{month_text(series_paths.start + end)} is beyond the horizon"
    missing = np.flatnonzero(np.isnan(series_paths.observed[first:after]))
    if len(missing):
        return f"{month_text(period.first + int(missing[0]))} is not observed"
    for february in (first, after):
        if february < past and series_paths.joined[february]:
            return f"{month_text(series_paths.start + february - 1)} is published as one figure with the month after it"
    return None


def _without(values: FloatArray, reasons: tuple[str | None, ...]) -> PeriodDraws:
    values[:, [reason is not None for reason in reasons]] = np.nan
    return PeriodDraws(values, reasons)


def _change(now: PeriodDraws, before: PeriodDraws) -> PeriodDraws:
    return PeriodDraws(now.values - before.values, _either(now, before))


def _per_cent(part: PeriodDraws, base: PeriodDraws, periods: Sequence[Period]) -> PeriodDraws:
    """`part` in per cent of `base`; none where the base is zero or negative in any draw."""
    unknown = _either(part, base)
    reasons = _where_not_positive(base, unknown, [f"the base {period.label}" for period in periods])
    with np.errstate(divide="ignore", invalid="ignore"):
        return _without(100 * (part.values / base.values), reasons)


def _log(level: PeriodDraws, periods: Sequence[Period]) -> PeriodDraws:
    reasons = _where_not_positive(level, level.reasons, [period.label for period in periods])
    with np.errstate(divide="ignore", invalid="ignore"):
        return _without(np.log(level.values), reasons)


def _either(first: PeriodDraws, second: PeriodDraws) -> tuple[str | None, ...]:
    return tuple(a or b for a, b in zip(first.reasons, second.reasons, strict=True))


def _where_not_positive(
    base: PeriodDraws, reasons: Sequence[str | None], names: Sequence[str]
) -> tuple[str | None, ...]:
    """The existing reasons, and one wherever the base is zero or negative in a draw."""
    counts = (base.values <= 0).sum(axis=0).tolist()
    number = len(base.values)
    texts = [f"{name} is zero or below in {count} of {number} draws" for name, count in zip(names, counts, strict=True)]
    return tuple(
        reason or (words if count else None) for reason, words, count in zip(reasons, texts, counts, strict=True)
    )
