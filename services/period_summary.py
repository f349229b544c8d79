"""Single figures out of joint draws, ready to be written in a sentence."""

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

SURE = 0.9


class Figure(NamedTuple):
    """What is expected of a period: median and an interval, or nothing where it cannot be known."""

    median: float | None
    lo: float | None
    hi: float | None


class Outcome(NamedTuple):
    """A period in full: its level, its growth on a year ago, and how likely some thresholds are."""

    span: Period
    level: Figure
    growth: Figure
    year_ago: float | None
    above_year_ago: float | None
    milestone: float | None
    above_milestone: float | None


def figure(series_paths: SeriesPaths, span: Period, units: Units, *, level: float) -> Figure:
    """Median and interval of a period."""
    found = summarise(period_draws(units, series_paths, [span]), interval_probabilities(level))[0]
    return Figure(None, None, None) if found is None else Figure(*found[1:])


def outcome(series_paths: SeriesPaths, span: Period, *, level: float = 80) -> Outcome:
    """Everything a headline says of a period."""
    drawn = period_sums(series_paths, [span])
    values = drawn.values[:, 0]
    before = period_sums(series_paths, [span.back(12)])
    year_ago = None if before.reasons[0] else float(np.median(before.values[:, 0]))
    known = drawn.reasons[0] is None
    milestone = round_figure_below(values) if known else None
    return Outcome(
        span,
        figure(series_paths, span, "lin", level=level),
        figure(series_paths, span, "pc1", level=level),
        year_ago,
        probability(values, above=year_ago).probability if known and year_ago is not None else None,
        milestone,
        probability(values, above=milestone).probability if milestone is not None else None,
    )


def round_figure_below(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """The largest figure of two digits that nine draws in ten exceed, if it is above zero."""
    sure = float(np.quantile(values, 1 - SURE))
    if sure <= 0:
        return None
    step = 10.0 ** (np.floor(np.log10(sure)) - 1)
    return float(np.floor(sure / step) * step)


def rows_ahead(
    series_paths: SeriesPaths,
    spans: Sequence[Period],
    units: Units,
    levels: Sequence[float],
    whole: SeriesPaths | None = None,
) -> list[dict[str, Any]]:
    """A row a period: period, month (its last, as an ISO day), median, lo_L and hi_L; without what cannot be known."""
    probabilities = [one for level in levels for one in interval_probabilities(level)]
    found = summarise(period_draws(units, series_paths, spans, whole), probabilities)
    rows = []
    for span, values in zip(spans, found, strict=True):
        if values is None:
            continue
        row: dict[str, Any] = {"period": span.label, "last": span.last, "median": values[1]}
        for place, level in enumerate(levels):
            row[f"lo_{level:g}"], row[f"hi_{level:g}"] = values[2 + 2 * place : 4 + 2 * place]
        rows.append(row)
    return rows


def unit_in_words(units: Units, unit: str) -> str:
    """The unit of an answer, as pages know it."""
    named = {
        "pch": "per cent",
        "pc1": "per cent",
        "share": "per cent of the total",
        "contribution": "percentage points",
    }
    return named.get(units, answer_unit(units, unit))
