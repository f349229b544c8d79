"""Jumps by a factor of a thousand, usually a wrong unit or a lost decimal mark."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tables.faults import KEPT_FAULTS, Faults

JUMP = 1000.0
LOOK_BACK = 12
SHOWN = 3


def refuse_jumps(
    frame: pd.DataFrame,
    *,
    keys: Sequence[str],
    month: str,
    value: str,
    faults: Faults,
    force: bool,
    notify: Callable[[str], None],
) -> None:
    """Note a last value of a series that is at least JUMP times the largest of the LOOK_BACK months before it.

    The level of a forecast follows the last value, so that a jump there is a fault, unless `force`; earlier jumps and
    forced ones are passed to `notify`. `frame` is sorted by `keys` and `month`, without duplicates.
    """
    ratio = jump_ratios(frame, keys=keys, value=value)
    jumps = ratio >= JUMP
    if not jumps.any():
        return
    last = ~frame.duplicated(list(keys), keep="last").to_numpy()
    refused = jumps & last & (not force)
    reasons = {
        int(row): f"is {ratio[row]:,.0f} times the largest of the {LOOK_BACK} months before it: correct it, or --force"
        for row in np.flatnonzero(refused)[:KEPT_FAULTS]
    }
    faults.add_each(frame[value], reasons, int(refused.sum()))
    accepted = frame[jumps & ~refused]
    shown = [
        f"{'.'.join(str(row[key]) for key in keys)} {row[month]:%Y-%m} ({row[value]:g})"
        for _, row in accepted.head(SHOWN).iterrows()
    ]
    if shown:
        more = f" and {len(accepted) - SHOWN} more" if len(accepted) > SHOWN else ""
        notify(f"{JUMP:,.0f} times the months before: {', '.join(shown)}{more}")


def jump_ratios(frame: pd.DataFrame, *, keys: Sequence[str], value: str) -> NDArray[np.float64]:
    """Each absolute value over the largest of the LOOK_BACK rows before it in its series, 0 where there is none."""
    frame = frame.reset_index(drop=True)
    groups = [frame[key] for key in keys]
    sizes = frame[value].abs()
    before = sizes.groupby(groups, sort=False).shift()
    largest = before.groupby(groups, sort=False).rolling(LOOK_BACK, min_periods=1).max()
    largest = largest.droplevel(list(range(len(keys)))).sort_index()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sizes.to_numpy() / largest.to_numpy()
    return np.where(np.isfinite(ratio), ratio, 0.0)
