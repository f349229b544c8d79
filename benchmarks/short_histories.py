"""Short histories: the combination beside its forecasters on development panels cut to a few years.

`python -m benchmarks.short_histories [--only NAME ...] [--months N ...] [--output FILE]`: a panel is cut to windows; in
each, six monthly cutoffs follow so many months of history. MASE with the scale known at each cutoff, 12 steps.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.development import DEVELOPMENT, Development
from benchmarks.tables import machine, markdown, write
from benchmarks.transfer import Fitted, fit
from forecasting.combination.weights import CONSTANTS
from forecasting.data.panel import Panel

NAMES = ("CN_TRADE.X", "CN_TRADE.M", "gem_exports", "hospital", "us_imports")
MONTHS, FOLDS, HORIZON = (24, 36, 48), 6, 12
# Windows of a panel at most, and series of a window about.
WINDOWS, SERIES = 4, 40
SHOWN = ("structural", "ets", "ces", "prophet")


def windows(development: Development, months: int) -> list[Development]:
    """The panel cut to windows of complete series, the last one first."""
    panel, length = development.panel, months + FOLDS + HORIZON
    last = len(panel.months) - length
    starts = range(last, -1, -max(12, last // (WINDOWS - 1)))[:WINDOWS]
    found = [_window(development, start, length) for start in starts]
    scored = tuple(range(months, months + FOLDS))
    return [replace(window, scored=scored, horizon=HORIZON, every=1, burn_in=0) for window in found if window]


def _window(development: Development, start: int, length: int) -> Development | None:
    panel, part = development.panel, slice(start, start + length)
    complete = np.flatnonzero(np.isfinite(panel.values[:, part]).all(axis=1))
    rows = complete[:: max(1, len(complete) // SERIES)]
    if not len(rows):
        return None
    keys = panel.keys.iloc[rows].reset_index(drop=True)
    ids = tuple(panel.unique_ids[row] for row in rows)
    cut = Panel(ids, panel.months[part], panel.values[rows, part], panel.imputed[rows, part], keys)
    return replace(development, panel=cut)


def scores(fitted: Fitted) -> dict[str, float]:
    """MASE of the combination, of some of its forecasters, and of their plain mean and median."""
    means, names = fitted.base.means, fitted.base.names
    found = {"combination": fitted.mase(fitted.combined(CONSTANTS))}
    found |= {name: fitted.mase(means[:, names.index(name)]) for name in SHOWN}
    found |= {"plain mean": fitted.mase(np.nanmean(means, axis=1))}
    return found | {"plain median": fitted.mase(np.nanmedian(means, axis=1))}


def table(names: Sequence[str], months: Sequence[int], workers: int | None) -> pd.DataFrame:
    """A row for each panel and length of history: means over its windows."""
    rows = {}
    for count in months:
        for name in names:
            found = [scores(fit(window, keep=None, workers=workers)) for window in windows(DEVELOPMENT[name](), count)]
            rows[f"{count} months, {name}: {len(found)} windows"] = pd.DataFrame(found).mean()
    return pd.DataFrame(rows).T


def main() -> None:
    """Run the benchmark, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", default=list(NAMES), choices=list(DEVELOPMENT))
    parser.add_argument("--months", nargs="*", type=int, default=list(MONTHS))
    parser.add_argument("--workers", type=int)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    text = markdown(table(given.only, given.months, given.workers), 3)
    print(text)
    if given.output:
        write(given.output, f"# Short histories\n\n{INTRODUCTION.format(machine=machine())}", [text])


INTRODUCTION = """`python -m benchmarks.short_histories` on {machine}. MASE with the scale known at each cutoff; lower
is better. Development panels are cut to windows; six monthly cutoffs follow so many months of history, and 12 steps are
forecast. "combination" is before the cross-sectional correction and reconciliation."""


if __name__ == "__main__":
    main()
