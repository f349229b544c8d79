"""Events in forecasts: the combination adjusted for changes of cost that are known and not observed yet.

At each fold the errors of earlier folds, of every series that events cover, are regressed on the changes of the
regressors of `forecasting.data.events` between the cutoff and the month forecast, as known on each fold's own day. The
regression is a ridge towards no effect; its penalty, infinity included, is the largest within one standard error of
the best when a quarter of cutoffs is left out at a time. Wholes move by the sum of their parts
(docs/decisions/0060-events-adjust-parts.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.data.events import REGRESSORS, EventPanel, exposures
from forecasting.data.hierarchy import Hierarchy
from forecasting.data.months import MONTH
from forecasting.types import FloatArray, MonthArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

PENALTIES = np.array([3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, np.inf])
"""Ridge penalties in observations of a change of usual size; the last means no effect."""
STEPS = 12
"""Steps whose errors tell of effects; later ones tell of other things."""
MONTHS_PER_BLOCK = 3
FEWEST_BLOCKS = 3
LARGEST_ERROR, LARGEST = 1.0, 0.5
"""Bounds of errors and of adjustments on the arsinh scale, where 1 is a factor of 2.7."""
NOTICEABLE = 1e-3
"""Changes of regressors below this one count as none."""


@dataclass(frozen=True)
class EventAdjustment:
    """The combination before its adjustment for events, and the adjustment.

    `changes` (series, folds, regressors, horizon) are the regressors' changes since each cutoff, zero for series that
    no event covers or that are sums of others; `coefficients` (folds, regressors) the effects on the arsinh scale;
    `plain` (series, folds, horizon) is in the units of `y`.
    """

    changes: FloatArray
    coefficients: FloatArray
    plain: FloatArray

    @property
    def effects(self) -> FloatArray:
        """The adjustment on the arsinh scale, shape (series, folds, horizon)."""
        total = np.einsum("sfrh,fr->sfh", self.changes, self.coefficients)
        return np.asarray(np.clip(total, -LARGEST, LARGEST))


def adjust_for_events(
    centre: FloatArray,
    unit: FloatArray,
    known_errors: Sequence[FloatArray],
    cutoffs: MonthArray,
    unique_ids: Sequence[str],
    hierarchies: Sequence[Hierarchy],
    events: EventPanel,
) -> tuple[FloatArray, EventAdjustment]:
    """The combination (series, folds, horizon), in the units of `y`, adjusted for events.

    `unit` (series, folds) is that of the arsinh transform; `known_errors` has for each fold the errors of those before
    it on that scale, shape (series, earlier folds, horizon), NaN where not known at its cutoff; `cutoffs` are months.
    A series that no event covers, and that is no sum of covered ones, stays as it is to the bit.
    """
    changes = _changes(cutoffs, unique_ids, hierarchies, events, centre.shape[2])
    quarters = cutoffs.astype(MONTH).astype(np.int64) // MONTHS_PER_BLOCK
    none, last = np.zeros(len(REGRESSORS)), len(cutoffs) - 1
    coefficients = np.stack(
        [
            regress(known_errors[fold], changes[:, :fold], quarters[:fold])
            if changes[:, fold].any() or fold == last
            else none
            for fold in range(len(cutoffs))
        ]
    )
    adjustment = EventAdjustment(changes, coefficients, centre)
    return move_parts(centre, unit, adjustment.effects, hierarchies), adjustment


def _changes(
    cutoffs: MonthArray, unique_ids: Sequence[str], hierarchies: Sequence[Hierarchy], events: EventPanel, horizon: int
) -> FloatArray:
    """The regressors' changes since each cutoff, as in EventAdjustment; small ones are zero."""
    changes = np.zeros((len(unique_ids), len(cutoffs), len(REGRESSORS), horizon))
    rows_by_events: dict[tuple[str, ...], list[int]] = {}
    for row, unique_id in enumerate(unique_ids):
        rows_by_events.setdefault(events.covers.get(unique_id, ()), []).append(row)
    for ids, rows in rows_by_events.items():
        covering = [event for event in events.events if event.id in ids]
        for fold, cutoff in enumerate(cutoffs) if covering else ():
            months = cutoff.astype(MONTH) + np.arange(horizon + 1)
            levels = exposures(covering, months, events.day_at(cutoff))
            parts = [row for row in rows if row in hierarchies[fold].bottom]
            changes[parts, fold] = levels[:, 1:] - levels[:, :1]
    changes[np.abs(changes) < NOTICEABLE] = 0.0
    return changes


def move_parts(
    centre: FloatArray, unit: FloatArray, effects: FloatArray, hierarchies: Sequence[Hierarchy]
) -> FloatArray:
    """Parts moved by their effects, and wholes by the sum of their parts' moves."""
    adjusted = centre.copy()
    for fold, hierarchy in enumerate(hierarchies):
        effect = effects[:, fold]
        if not effect.any():
            continue
        scale = unit[:, fold, None]
        moved = inverse_transform(transform(centre[:, fold], scale) + effect, scale) - centre[:, fold]
        moves = np.nan_to_num(np.where(effect == 0, 0.0, moved))
        adjusted[:, fold] += hierarchy.summing @ moves[list(hierarchy.bottom)]
    return adjusted


def regress(errors: FloatArray, changes: FloatArray, quarters: NDArray[np.int64]) -> FloatArray:
    """Ridge effects of changes (series, folds, regressors, horizon) on errors (series, folds, horizon): (regressors,).

    `quarters` (folds,) are the quarters of the cutoffs: folds of one quarter see the same events. Zero where the
    changes are in fewer than FEWEST_BLOCKS of them, or where leaving them out one at a time does not support an effect.
    """
    none = np.zeros(changes.shape[2])
    errors, changes = errors[..., :STEPS], changes[..., :STEPS]
    used = np.isfinite(errors) & changes.any(axis=2)
    if not used.any():
        return none
    x = np.moveaxis(changes, 2, 3)[used]
    y = np.clip(errors[used], -LARGEST_ERROR, LARGEST_ERROR)
    blocks = np.broadcast_to(quarters[:, None], errors.shape)[used]
    distinct = np.unique(blocks)
    if len(distinct) < FEWEST_BLOCKS:
        return none
    scale = np.sqrt(np.mean(x**2, axis=0))
    scale[scale == 0] = np.inf
    x = x / scale
    left_out = [blocks == block for block in distinct]
    losses = np.array(
        [
            [np.sum((y[out] - x[out] @ _ridge(x[~out], y[~out], penalty)) ** 2) for out in left_out]
            for penalty in PENALTIES
        ]
    )
    found: FloatArray = _ridge(x, y, float(PENALTIES[_strongest_supported(losses)])) / scale
    return found


def _strongest_supported(losses: FloatArray) -> int:
    """The place of the largest penalty within one standard error of the best, by losses (penalties, blocks).

    The rule of Breiman, Friedman, Olshen & Stone 1984; infinity, which is last, means that events stay unused.
    """
    best = int(np.argmin(losses.sum(axis=1)))
    excess = losses - losses[best]
    error = excess.std(axis=1, ddof=1) * np.sqrt(losses.shape[1])
    return int(np.flatnonzero(excess.sum(axis=1) <= error)[-1])


def _ridge(x: FloatArray, y: FloatArray, penalty: float) -> FloatArray:
    """Ridge effects, with a penalty in units of observations."""
    if not np.isfinite(penalty) or not len(y):
        return np.zeros(x.shape[1])
    return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)
