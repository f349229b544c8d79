"""Contributions to growth in JSON and CSV."""

from collections.abc import Iterator, Sequence
from typing import Any

from api.rest.schemas.contributions import ContributionRowAnswer, EstimateAnswer
from services.contributions import ContributionRow, Estimate

LEVEL_COLUMNS = ("level", "base", "change", "share", "base_share", "at_whole_rate", "own")
CONTRIBUTION_COLUMNS = (
    *("code", "name", "within", *LEVEL_COLUMNS, "growth", "contribution"),
    *("interval_level", "growth_lo", "growth_hi", "contribution_lo", "contribution_hi"),
)


def contribution_row(row: ContributionRow, levels: Sequence[float]) -> ContributionRowAnswer:
    """A part in JSON."""
    return {
        "code": row.code,
        "name": row.name,
        "within": row.within,
        "level": row.level,
        "base": row.base,
        "change": row.change,
        "share": row.share,
        "base_share": row.base_share,
        "at_whole_rate": row.at_whole_rate,
        "own": row.own,
        "growth": estimate_answer(row.growth, "%", levels),
        "contribution": estimate_answer(row.contribution, "percentage points", levels),
    }


def estimate_answer(estimate: Estimate, unit: str, levels: Sequence[float]) -> EstimateAnswer:
    """A mean with its intervals in JSON."""
    bounds = zip(levels, estimate.bounds, strict=True)
    return {
        "mean": estimate.mean,
        "unit": unit,
        "intervals": [{"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in bounds],
    }


def contribution_cells(rows: Sequence[ContributionRow], levels: Sequence[float]) -> Iterator[tuple[Any, ...]]:
    """Parts in CSV, in the order of CONTRIBUTION_COLUMNS: a row for each part and level."""
    for row in rows:
        head = (row.code, row.name, row.within, *(getattr(row, name) for name in LEVEL_COLUMNS))
        for level, growth, contribution in zip(levels, row.growth.bounds, row.contribution.bounds, strict=True):
            yield (*head, row.growth.mean, row.contribution.mean, level, *growth, *contribution)
