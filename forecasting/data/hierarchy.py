"""The aggregation hierarchy of a panel, read from its values: partners add up to the world, sectors to the total.

An aggregate whose parts do not add up (an overlapping group, a table with only some partners) is no constraint: no
residual is invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.data.panel import Panel
from forecasting.types import FloatArray

WORLD, TOTAL = "WLD", "TOTAL"
# Published tables are rounded: an aggregate may differ from its parts by this share of itself.
ROUNDING = 1e-3
# A part is discontinued if its aggregates lack less than this share of its last values.
NEGLIGIBLE_GAP = 0.1


@dataclass(frozen=True)
class Hierarchy:
    """Aggregation constraints of a panel of `size` series.

    `constraints` has shape (constraints, series): its product with coherent values is zero. `summing` has shape
    (series, bottom) and computes every series from the bottom ones, whose positions are `bottom`.
    """

    size: int
    bottom: tuple[int, ...]
    summing: sparse.csr_array
    constraints: sparse.csr_array

    @property
    def trivial(self) -> bool:
        """True if there is no constraint."""
        return int(self.constraints.shape[0]) == 0


def find_hierarchy(panel: Panel) -> Hierarchy:
    """The aggregation constraints that hold in a panel's values."""
    return find_hierarchies(panel, [panel.values])[0]


def find_hierarchies(panel: Panel, seen: Sequence[FloatArray]) -> tuple[Hierarchy, ...]:
    """As `find_hierarchy`, from the values known at each of several cutoffs, each (series, months)."""
    candidates = _candidates(panel.keys)
    known: dict[tuple[bool, ...], Hierarchy] = {}
    found = []
    for values in seen:
        satisfied = tuple(_adds_up(values, whole, parts) for whole, parts in candidates)
        if satisfied not in known:
            splits: dict[int, list[tuple[int, ...]]] = {}
            for (whole, parts), holds in zip(candidates, satisfied, strict=True):
                if holds:
                    splits.setdefault(whole, []).append(parts)
            known[satisfied] = _hierarchy(len(panel.unique_ids), splits)
        found.append(known[satisfied])
    return tuple(found)


def discontinued_series(hierarchy: Hierarchy, values: FloatArray) -> NDArray[np.bool_]:
    """Parts without their last months whose aggregates are complete without them, shape (series,).

    `values` has shape (series, months). Where the aggregates lack the part's usual value, it is only reported late.
    """
    found = np.zeros(hierarchy.size, dtype=bool)
    seen = np.isfinite(values)
    for part in np.flatnonzero(seen.any(axis=1) & ~seen[:, -1]):
        last = int(np.flatnonzero(seen[part])[-1])
        usual = np.abs(values[part, max(last + 1 - MONTHS_PER_YEAR, 0) : last + 1]).mean()
        constraints = hierarchy.constraints[(hierarchy.constraints[:, [part]].toarray() < 0).ravel()]
        known = ((constraints > 0) @ seen[:, last + 1 :].astype(float)).all(axis=1)
        gaps = np.abs(constraints @ np.nan_to_num(values[:, last + 1 :]))[known]
        found[part] = bool(known.any() and (gaps <= NEGLIGIBLE_GAP * usual).all())
    return found


def aggregation_levels(panel: Panel) -> NDArray[np.int64]:
    """Shape (series,): 0 a part, 1 a partner over all sectors, 2 a sector of the world, 3 the grand total."""
    nothing = pd.Series("", index=panel.keys.index)
    world, total = panel.keys.get("partner", nothing) == WORLD, panel.keys.get("sector", nothing) == TOTAL
    return np.asarray(2 * world.astype(np.int64) + total.astype(np.int64))


def _candidates(keys: pd.DataFrame) -> list[tuple[int, tuple[int, ...]]]:
    """Every aggregate with a possible split: by partner for the world, by sector for the total."""
    if not {"partner", "sector"} <= set(keys.columns):
        return []
    keys = keys.assign(flow=keys.get("flow", ""))
    if "whole" not in keys:
        keys = keys.assign(whole=np.where(keys["partner"] == WORLD, "", WORLD))
    found = []
    for column, others in (("partner", ["flow", "sector"]), ("sector", ["flow", "partner"])):
        wholes = keys["whole"] if column == "partner" else pd.Series(TOTAL, index=keys.index)
        for _, rows in keys.groupby(others, sort=True):
            for code in sorted({*wholes[rows.index]} - {""}):
                whole = rows.index[rows[column] == code]
                parts = rows.index[(rows[column] != code) & (wholes[rows.index] == code)]
                if len(whole) == 1 and len(parts):
                    found.append((int(whole[0]), tuple(int(part) for part in parts)))
    return found


def _adds_up(values: FloatArray, whole: int, parts: tuple[int, ...]) -> bool:
    """Whether the parts sum to the aggregate in every month in which all parts that have begun are known."""
    split = values[list(parts)]
    seen = np.isfinite(split)
    reported_late = np.logical_or.accumulate(seen, axis=1) & ~seen
    judged = np.isfinite(values[whole]) & ~reported_late.any(axis=0)
    if not judged.any():
        return False
    total = values[whole, judged]
    gap = np.abs(total - np.nansum(split[:, judged], axis=0))
    return bool(np.all(gap <= ROUNDING * np.maximum(np.abs(total), np.abs(total).mean())))


def _hierarchy(size: int, splits: Mapping[int, list[tuple[int, ...]]]) -> Hierarchy:
    bottom = tuple(series for series in range(size) if series not in splits)
    column_of = {series: column for column, series in enumerate(bottom)}

    def leaves(series: int) -> tuple[int, ...]:
        if series in column_of:
            return (column_of[series],)
        return tuple(leaf for part in splits[series][0] for leaf in leaves(part))

    summing = sparse.lil_array((size, len(bottom)))
    for series in range(size):
        summing[series, list(leaves(series))] = 1.0
    rows = [(whole, parts) for whole, whole_splits in splits.items() for parts in whole_splits]
    constraints = sparse.lil_array((len(rows), size))
    for row, (whole, parts) in enumerate(rows):
        constraints[row, whole] = 1.0
        constraints[row, list(parts)] = -1.0
    return Hierarchy(size, bottom, sparse.csr_array(summing), sparse.csr_array(constraints))
