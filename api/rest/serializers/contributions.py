"""Contributions to growth in JSON and CSV."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from api.rest.schemas.contributions import ContributionRowAnswer, EstimateAnswer
from services.partners.contributions import ContributionRow, Estimate

LEVEL_COLUMNS = ("level", "base", "share", "base_share", "at_whole_rate", "mix", "own")
CONTRIBUTION_COLUMNS = (
    *("code", "name", "within", *LEVEL_COLUMNS, "change", "growth", "contribution", "interval_level"),
    *("change_lo", "change_hi", "growth_lo", "growth_hi", "contribution_lo", "contribution_hi"),
)


def contribution_row(row: ContributionRow, unit: str, levels: Sequence[float]) -> ContributionRowAnswer:
    """A part in JSON."""
    return {
        "code": row.code,
        "name": row.name,
        "within": row.within,
        "level": row.level,
        "base": row.base,
        "change": estimate_answer(row.change, unit, levels),
        "share": row.share,
        "base_share": row.base_share,
        "at_whole_rate": row.at_whole_rate,
        "mix": row.mix,
        "own": row.own,
        "growth": estimate_answer(row.growth, "%", levels),
        "contribution": estimate_answer(row.contribution, "percentage points", levels),
    }


def estimate_answer(estimate: Estimate, unit: str, levels: Sequence[float]) -> EstimateAnswer:
    """A mean with its intervals in JSON."""
    bounds = zip(levels, estimate.bounds or [(None, None)] * len(levels), strict=True)
    return {
        "mean": estimate.mean,
        "unit": unit,
        "intervals": [{"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in bounds],
    }


def contribution_cells(rows: Sequence[ContributionRow], levels: Sequence[float]) -> Iterator[tuple[Any, ...]]:
    """Parts in CSV, in the order of CONTRIBUTION_COLUMNS: a row for each part and level."""
    for row in rows:
        head = (row.code, row.name, row.within, *(getattr(row, name) for name in LEVEL_COLUMNS))
        estimates = (row.change, row.growth, row.contribution)
        means = [estimate.mean for estimate in estimates]
        for level, *bounds in zip(levels, *(estimate.bounds for estimate in estimates), strict=True):
            yield (*head, *means, level, *chain.from_iterable(bounds))
