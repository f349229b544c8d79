"""Summaries of one period from joint draws: median, interval, growth and probabilities."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from forecasting.analysis.period_draws import (
    SeriesPaths,
    Units,
    answer_unit,
    period_draws,
    period_sums,
    probability,
    summarise,
)
from forecasting.analysis.periods import Period
from forecasting.config import interval_probabilities

LIKELY = 0.9
"""Upper bound of the probabilities of thresholds that are offered; 1 - LIKELY is the lower bound."""
UNIT_NAMES = {
    "pch": "per cent",
    "pc1": "per cent",
    "share": "per cent of the total",
    "contribution": "percentage points",
}


class Estimate(NamedTuple):
    """Median and interval of a period; None where they cannot be computed."""

    median: float | None
    lo: float | None
    hi: float | None


class PeriodSummary(NamedTuple):
    """A period: its level, its growth on a year ago, and the probabilities of exceeding two thresholds."""

    span: Period
    level: Estimate
    growth: Estimate
    year_ago: float | None
    above_year_ago: float | None
    milestone: float | None
    above_milestone: float | None


def estimate(series_paths: SeriesPaths, span: Period, units: Units, *, level: float) -> Estimate:
    """Median and interval of a period."""
    summary = summarise(period_draws(units, series_paths, [span]), interval_probabilities(level))[0]
    return Estimate(None, None, None) if summary is None else Estimate(*summary[1:])


def summarise_period(series_paths: SeriesPaths, span: Period, *, level: float = 80) -> PeriodSummary:
    """The summary of a period with intervals of one level."""
    drawn = period_sums(series_paths, [span])
    values = drawn.values[:, 0]
    before = period_sums(series_paths, [span.back(12)])
    year_ago = None if before.reasons[0] else float(np.median(before.values[:, 0]))
    known = drawn.reasons[0] is None
    milestone = round_threshold(values) if known else None
    return PeriodSummary(
        span,
        estimate(series_paths, span, "lin", level=level),
        estimate(series_paths, span, "pc1", level=level),
        year_ago,
        probability(values, above=year_ago).probability if known and year_ago is not None else None,
        milestone,
        probability(values, above=milestone).probability if milestone is not None else None,
    )


def round_threshold(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """The roundest number that draws exceed with a probability between 10 and 90 %; None without dispersion.

    Multiples of 1, 2 and 5 times powers of ten are tried from the coarsest; among equally round ones the nearest to
    the median is taken.
    """
    lo, median, hi = np.quantile(values, [1 - LIKELY, 0.5, LIKELY]).tolist()
    if not hi > lo:
        return None
    exponent = np.floor(np.log10(max(abs(lo), abs(hi))))
    for step in (base * 10.0**power for power in np.arange(exponent, exponent - 12, -1) for base in (5, 2, 1)):
        nearest = float(np.round(median / step) * step)
        if lo < nearest < hi:
            return nearest
    return None


def period_rows(
    series_paths: SeriesPaths,
    spans: Sequence[Period],
    units: Units,
    levels: Sequence[float],
    whole: SeriesPaths | None = None,
) -> list[dict[str, Any]]:
    """One row for each period: period, last (its last month number), median, lo_L and hi_L for each level L.

    Periods that cannot be computed are left out.
    """
    probabilities = [bound for level in levels for bound in interval_probabilities(level)]
    summaries = summarise(period_draws(units, series_paths, spans, whole), probabilities)
    rows = []
    for span, values in zip(spans, summaries, strict=True):
        if values is None:
            continue
        row: dict[str, Any] = {"period": span.label, "last": span.last, "median": values[1]}
        for place, level in enumerate(levels):
            row[f"lo_{level:g}"], row[f"hi_{level:g}"] = values[2 + 2 * place : 4 + 2 * place]
        rows.append(row)
    return rows


def unit_in_words(units: Units, unit: str) -> str:
    """The unit of an answer, in words."""
    return UNIT_NAMES.get(units, answer_unit(units, unit))
