"""Substitution in JSON and CSV."""

from collections.abc import Iterator, Sequence
from typing import Any

from api.rest.schemas.substitution import GainAnswer, WindowAnswer
from api.rest.serializers.contributions import (
    CONTRIBUTION_COLUMNS,
    contribution_cells,
    contribution_row,
    estimate_answer,
)
from services.partners.contributions import ContributionRow
from services.partners.substitution import Window

SUBSTITUTION_COLUMNS = ("period", "from", "lost", *CONTRIBUTION_COLUMNS, "share_of_gains")


def window_answer(window: Window, unit: str, levels: Sequence[float]) -> WindowAnswer:
    """A window in JSON."""
    compared = window.compared
    return {
        "period": compared.period.label,
        "from": compared.base_period.label,
        "months_observed": compared.observed,
        "growth": estimate_answer(compared.growth, "%", levels),
        "change": estimate_answer(compared.change, unit, levels),
        "lost": contribution_row(window.lost, unit, levels),
        "gains": window.gains,
        "others": [_gain(window, row, unit, levels) for row in window.others],
    }


def _gain(window: Window, row: ContributionRow, unit: str, levels: Sequence[float]) -> GainAnswer:
    return {**contribution_row(row, unit, levels), "share_of_gains": window.share_of_gains(row)}


def window_cells(windows: Sequence[Window], levels: Sequence[float]) -> Iterator[tuple[Any, ...]]:
    """Windows in CSV, in the order of SUBSTITUTION_COLUMNS: a row for each partner and level."""
    for window in windows:
        head = (window.compared.period.label, window.compared.base_period.label)
        for row in (window.lost, *window.others):
            lost = row is window.lost
            share = None if lost else window.share_of_gains(row)
            for cells in contribution_cells([row], levels):
                yield (*head, lost, *cells, share)
