"""China's trade by partner given the total of the month, which is published nine days before its detail.

`python -m benchmarks.detail [--output FILE]`: one month ahead, rolling origins over the cutoffs from 2024-12 to
2026-06, each with the total of the following month (USD bn, brought to CNY at the last month's ratio) and without it.
Errors are relative to the mean absolute seasonal difference of each series. Months from January 2026, which move by
tens of per cent, are reported apart as well. Figures are revised ones, with and without the total alike.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import panels
from benchmarks.tables import machine, markdown, write
from forecasting.combination.combined_forecasts import CombinedForecasts, combine_panel
from forecasting.config import PROBABILITIES
from forecasting.data.borrowed_history import Donor, borrow_history, borrowed_at_cutoffs
from forecasting.data.given_totals import GivenTotals, given_totals
from forecasting.data.hierarchy import WORLD
from forecasting.data.panel import Panel
from forecasting.evaluation.fold_paths import fold_paths
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.path_quantiles import path_quantiles
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool
from jobs.progress import progress_bar

FIRST, LATE = np.datetime64("2024-12"), np.datetime64("2026-01")
HORIZON, DRAWS, BURN_IN = 3, 400, 6


def totals(panel: Panel, donors: Mapping[str, Donor], seen: Mapping[int, FloatArray]) -> dict[int, GivenTotals]:
    """The total of the month after each cutoff; no fold is given a later month."""
    given = {}
    for cutoff, values in seen.items():
        last = panel.months[cutoff] + 1
        known = {
            flow: Donor(donor.months[donor.months <= last], donor.values[donor.months <= last])
            for flow, donor in donors.items()
        }
        given[cutoff] = given_totals(panel, values, known, months=1)
    return given


def error_table(plain: CombinedForecasts, given: CombinedForecasts) -> pd.DataFrame:
    """Errors of the first month by flow and group of series, without and with the total."""
    panel = plain.panel
    months = panel.months[plain.base.cutoffs] + 1
    scale = plain.data.seasonal_scale
    kinds = {"world": panel.keys["partner"] == WORLD, "partners": panel.keys["partner"] != WORLD}
    spans = {
        "all months": months > FIRST,
        "to 2025-12": (months > FIRST) & (months < LATE),
        "from 2026-01": months >= LATE,
    }
    rows = {}
    for flow in ("X", "M"):
        for kind, members in kinds.items():
            chosen = np.flatnonzero(members & (panel.keys["flow"] == flow))
            for span, folds in spans.items():
                before, after = (
                    (np.abs(found.centre - found.actual)[chosen, :, 0] / scale[chosen])[:, folds]
                    for found in (plain, given)
                )
                mean = [np.nanmean(errors, axis=0) for errors in (before, after)]
                rows[f"{flow}, {kind}, {span}"] = {
                    "months": int(folds.sum()),
                    "without": float(np.nanmean(before)),
                    "given the total": float(np.nanmean(after)),
                    "ratio": float(np.nanmean(after) / np.nanmean(before)),
                    "DM p": float(diebold_mariano(mean[1], mean[0], step=1)),
                }
    return pd.DataFrame.from_dict(rows, orient="index")


def interval_table(plain: CombinedForecasts, given: CombinedForecasts) -> pd.DataFrame:
    """Coverage and mean width of 80 % intervals of the first month, partners only."""
    panel = plain.panel
    folds = np.flatnonzero(panel.months[plain.base.cutoffs] + 1 > FIRST)
    partners = np.flatnonzero(panel.keys["partner"] != WORLD)
    low, high = PROBABILITIES.index(0.1), PROBABILITIES.index(0.9)
    rows = {}
    for name, found in (("without", plain), ("given the total", given)):
        inside, width = [], []
        for fold in folds.tolist():
            paths = fold_paths(found, fold, draws=DRAWS, seed=fold)[partners, :, :1]
            quantiles = path_quantiles(paths, PROBABILITIES)[:, :, 0]
            actual = found.actual[partners, fold, 0]
            inside.append((quantiles[:, low] <= actual) & (actual <= quantiles[:, high]))
            width.append((quantiles[:, high] - quantiles[:, low]) / actual)
        rows[name] = {"coverage": 100 * float(np.mean(inside)), "median width, %": 100 * float(np.nanmedian(width))}
    return pd.DataFrame.from_dict(rows, orient="index")


def main() -> int:
    """Run the benchmark, print it, and write it where asked; and end with 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path)
    output = parser.parse_args().output
    original, donors = panels.cn_partners(), panels.cn_totals()
    panel = borrow_history(original, donors)
    cutoffs = list(range(panel.first_published + BURN_IN - 1, len(panel.months) - 1))
    seen = borrowed_at_cutoffs(panel, original, donors, cutoffs, {})
    with process_pool(None) as pool, progress_bar("CN_PARTNERS") as bar:
        base = forecast_at_cutoffs(
            panel,
            cutoffs=cutoffs,
            horizon=HORIZON,
            reporter="CHN",
            vintage_values=seen,
            executor=pool,
            on_progress=bar,
        )
    plain = combine_panel(panel, base, vintage_values=seen)
    given = combine_panel(panel, base, vintage_values=seen, given=totals(panel, donors, seen))
    found = [__doc__ or "", markdown(error_table(plain, given), 3), markdown(interval_table(plain, given), 1)]
    found.append(f"Measured by `make bench-detail` on {machine()}.")
    print("\n\n".join(found))
    if output:
        write(output, "# Detail given the total", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
