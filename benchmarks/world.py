"""World exports by economy one to six years ahead: coverage of annual intervals, of values and of shares of the world.

Rolling origins in every other December, forecasts of 72 months from the values known then. Intervals rest on the
errors of the Decembers before, from the third year of the data on, so that outcomes six years ahead are among them, as
they are in a run. A calendar year is the sum of its months, a share that of the year's world exports, both in each
simulated path. The error of the share is beside that of the share of the last 12 months, unchanged.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.panels import Problem, world_exports
from benchmarks.tables import machine, markdown, write
from forecasting.combination.combined_forecasts import combine_panel
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.data.panel import Panel
from forecasting.evaluation.fold_paths import fold_paths
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool
from sources import bundled

LEVELS = (50.0, 80.0, 95.0)
DRAWS, SEED = 500, 1
EARLIER = 4
"""Cutoffs before the first that is scored, as far apart: its weights and error scales are learned from them."""
WORLD, CHINA = "X.WLD.TOTAL", "X.CHN.TOTAL"


def main() -> None:
    """Run the benchmark and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    problem, settings = world_exports(), bundled.config("WORLD_EXPORTS")
    values, shares, errors = measured(problem, settings["horizon"], given.workers)
    sections = [
        f"{len(problem.panel.unique_ids)} series, {len(problem.cutoffs)} cutoffs.",
        f"Coverage of annual values, per cent\n\n{markdown(values, 1)}",
        f"Coverage of annual shares of world exports, per cent\n\n{markdown(shares, 1)}",
        f"Mean absolute error of shares, points\n\n{markdown(errors, 2)}",
    ]
    print("\n\n".join(sections))
    write(given.output, f"# World exports (`make bench-world`)\n\n{__doc__}\n{machine()}.", sections)


def measured(problem: Problem, horizon: int, workers: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Coverage of values and of shares, and errors of shares, each by years ahead."""
    panel = problem.panel
    scored = [panel.position(cutoff) for cutoff in problem.cutoffs]
    apart = scored[1] - scored[0]
    cutoffs = list(range(scored[0] - EARLIER * apart, scored[-1] + 1, apart))
    with process_pool(workers) as executor:
        base = forecast_at_cutoffs(
            panel, cutoffs=cutoffs, horizon=horizon, reporter=problem.reporter, executor=executor
        )
    pool = combine_panel(panel, base)
    world = panel.unique_ids.index(WORLD)
    # The world's own share is 100 % in every draw and tells nothing of the intervals.
    parts = np.arange(len(panel.unique_ids)) != world
    found: dict[str, list[FloatArray]] = {"value": [], "share": [], "error": [], "unchanged": []}
    for cutoff in scored:
        paths = fold_paths(pool, cutoffs.index(cutoff), draws=DRAWS, seed=SEED)
        years = _years(paths.astype(np.float64))
        actual, last = _actual(panel, cutoff, horizon), panel.values[:, cutoff - 11 : cutoff + 1].sum(axis=1)
        share, actual_share = 100 * years / years[world], 100 * actual / actual[world]
        found["value"].append(_inside(years[parts], actual[parts]))
        found["share"].append(_inside(share[parts], actual_share[parts]))
        found["error"].append(np.abs(share.mean(axis=1) - actual_share))
        found["unchanged"].append(np.abs(100 * (last / last[world])[:, None] - actual_share))
    return _coverage(found["value"]), _coverage(found["share"]), _errors(panel, found["error"], found["unchanged"])


def _years(paths: FloatArray) -> FloatArray:
    """Sums of 12 months, shape (series, draws, years)."""
    summed: FloatArray = paths.reshape(*paths.shape[:2], -1, MONTHS_PER_YEAR).sum(axis=-1)
    return summed


def _actual(panel: Panel, cutoff: int, horizon: int) -> FloatArray:
    """Values of the years after a cutoff, shape (series, years), NaN where a month is beyond the panel."""
    ahead = np.full((len(panel.unique_ids), horizon), np.nan)
    known = panel.values[:, cutoff + 1 : cutoff + 1 + horizon]
    ahead[:, : known.shape[1]] = known
    summed: FloatArray = ahead.reshape(len(ahead), -1, MONTHS_PER_YEAR).sum(axis=-1)
    return summed


def _inside(draws: FloatArray, actual: FloatArray) -> FloatArray:
    """Whether the actual is inside the interval of each level, shape (levels, series, years); NaN without an actual."""
    rows = []
    for level in LEVELS:
        lo, hi = np.quantile(draws, [0.5 - level / 200, 0.5 + level / 200], axis=1)
        rows.append(np.where(np.isnan(actual), np.nan, (lo <= actual) & (actual <= hi)))
    return np.stack(rows)


def _coverage(folds: list[FloatArray]) -> pd.DataFrame:
    inside = np.stack(folds)
    table = {f"{level:g} %": 100 * np.nanmean(inside[:, place], axis=(0, 1)) for place, level in enumerate(LEVELS)}
    return _by_year(pd.DataFrame(table))


def _errors(panel: Panel, errors: list[FloatArray], unchanged: list[FloatArray]) -> pd.DataFrame:
    china = panel.unique_ids.index(CHINA)
    ours, naive = np.stack(errors), np.stack(unchanged)
    table = {
        "all": np.nanmean(ours, axis=(0, 1)),
        "all, unchanged": np.nanmean(naive, axis=(0, 1)),
        "China": np.nanmean(ours[:, china], axis=0),
        "China, unchanged": np.nanmean(naive[:, china], axis=0),
    }
    return _by_year(pd.DataFrame(table))


def _by_year(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis([f"{year} years ahead" for year in range(1, len(table) + 1)])


if __name__ == "__main__":
    main()
