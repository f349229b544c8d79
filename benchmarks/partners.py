"""China's trade by partner, 31 months long: own history, borrowed history, shares of the total, and usual libraries.

The share of a partner in the last months, times the forecast of the total with borrowed history, is a forecast too.

Rolling origins over the last 13 cutoffs, 1 to 6 months ahead, MASE over the series and folds with an actual; the scale
is the mean absolute seasonal difference of the series' own months up to the cutoff. Months from January 2026, which
move by tens of per cent, are reported apart as well.
"""

import argparse
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.panels import Problem, cn_partners, cn_totals, months
from benchmarks.peers import run_peers
from benchmarks.tables import machine, markdown, write
from forecasting.combination.combined_forecasts import combine_panel
from forecasting.data.borrowed_history import Donor, borrow_history, borrowed_at_cutoffs
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.data.panel import Panel
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.types import FloatArray

HORIZON = 6
FIRST, LAST, LATE = "2025-06", "2026-06", np.datetime64("2026-01")
PEERS = ("AutoETS", "AutoTheta")
SHARE_MONTHS = (3, 12)
OWN, BORROWED, NAIVE, MEAN = "own history", "borrowed history", "seasonal naive", "mean of the three libraries"


def main() -> None:
    """Run the benchmark and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    original, donors = cn_partners(), cn_totals()
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as executor:
        means = {OWN: _combined(original, {}, executor), BORROWED: _combined(original, donors, executor)}
        problem = Problem("CN_PARTNERS", original, "CHN", months(FIRST, LAST))
        peers = run_peers(problem, horizon=HORIZON, peers=PEERS, executor=executor)
    means |= {name: peers.means[:, place] for place, name in enumerate(peers.names)}
    means[NAIVE] = _seasonal_naive(original)
    for length in SHARE_MONTHS:
        means[f"share of {length} months times the total"] = _shares_of_total(original, means[BORROWED], length)
    means[MEAN] = np.mean([means[name] for name in (*peers.names, NAIVE)], axis=0)
    errors = {name: _scaled_errors(original, values) for name, values in means.items()}
    steps = {
        name: [float(np.nanmean(values[:, :, step])) for step in range(HORIZON)] for name, values in errors.items()
    }
    table = pd.DataFrame(steps, index=[f"step {step + 1}" for step in range(HORIZON)]).T
    table["all"] = [float(np.nanmean(values)) for values in errors.values()]
    late = _is_late(original)
    table["to 2025-12"] = [float(np.nanmean(values[:, ~late])) for values in errors.values()]
    table["from 2026-01"] = [float(np.nanmean(values[:, late])) for values in errors.values()]
    table = table.sort_values("all")
    print(table.round(3))
    write(
        given.output,
        "# China's trade by partner (`make bench-partners`)",
        [__doc__ or "", markdown(table, 3), machine()],
    )


def _combined(original: Panel, donors: dict[str, Donor], executor: Executor) -> FloatArray:
    """Combined forecasts at the scored cutoffs, shape (series, folds, horizon), with weights from the folds before."""
    panel = borrow_history(original, donors)
    first = panel.first_published + (5 if donors else MONTHS_PER_YEAR - 1)
    cutoffs = list(range(first, len(panel.months) - 1))
    vintage_values = borrowed_at_cutoffs(panel, original, donors, cutoffs, {}) if donors else {}
    base = forecast_at_cutoffs(
        panel, cutoffs=cutoffs, horizon=HORIZON, reporter="CHN", vintage_values=vintage_values, executor=executor
    )
    pool = combine_panel(panel, base, vintage_values=vintage_values)
    kept = [cutoffs.index(panel.position(month)) for month in months(FIRST, LAST)]
    return pool.centre[:, kept]


def _seasonal_naive(panel: Panel) -> FloatArray:
    """The value of the same month a year earlier, shape (series, folds, horizon)."""
    positions = np.array([panel.position(month) for month in months(FIRST, LAST)])
    places = positions[:, None] + np.arange(1, HORIZON + 1) - MONTHS_PER_YEAR
    earlier: FloatArray = panel.values[:, places]
    return earlier


def _shares_of_total(panel: Panel, means: FloatArray, length: int) -> FloatArray:
    """The forecasts of the flow's total, times each series' share of it in the last months, as `means`."""
    totals = [panel.unique_ids.index(f"{flow}.WLD.TOTAL") for flow in panel.keys["flow"]]
    positions = [panel.position(month) for month in months(FIRST, LAST)]
    known = np.stack(
        [panel.values[:, position - length + 1 : position + 1].sum(axis=1) for position in positions], axis=1
    )
    shares: FloatArray = means[totals] * (known / known[totals])[:, :, None]
    return shares


def _scaled_errors(panel: Panel, means: FloatArray) -> FloatArray:
    """Absolute errors over the in-sample seasonal difference, shape (series, folds, horizon); NaN without an actual."""
    positions = [panel.position(month) for month in months(FIRST, LAST)]
    actual = panel.published_ahead(positions, HORIZON)
    scales = []
    for position in positions:
        known = panel.values[:, : position + 1]
        scales.append(np.nanmean(np.abs(known[:, MONTHS_PER_YEAR:] - known[:, :-MONTHS_PER_YEAR]), axis=1))
    scaled: FloatArray = np.abs(means - actual) / np.stack(scales, axis=1)[:, :, None]
    return scaled


def _is_late(panel: Panel) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Which fold and step is of a month from LATE on, shape (folds, horizon)."""
    return np.array([[month + step >= LATE for step in range(1, HORIZON + 1)] for month in months(FIRST, LAST)])


if __name__ == "__main__":
    main()
