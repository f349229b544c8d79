"""China's exports of clean technology given the total of its exports, which is published eleven days before them.

`python -m benchmarks.cleantech_total [--output FILE]`: one month ahead, a cutoff every month from 2020-12 to 2025-08,
scored from 2022-12 on. The total of all exports (CN_TRADE) is an indicator of every series: its surprise enters by the
regression of published nowcasts, whose penalty, infinity included, is chosen on earlier folds of each series. Errors
are relative to the mean absolute seasonal difference. Values are revised ones, with and without the total alike.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import panels
from benchmarks.tables import machine, markdown, write
from forecasting.combination.combined_forecasts import CombinedForecasts, combine_panel
from forecasting.data.hierarchy import TOTAL, WORLD
from forecasting.data.indicators import DAY, Indicator, IndicatorPanel
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.evaluation.rolling_origin import BaseForecasts, forecast_at_cutoffs
from forecasting.pipeline import without_joined_januaries
from jobs.execution.executors import process_pool
from jobs.progress import progress_bar

BURN_IN, HORIZON = 24, 3
RELEASE_DAY, DETAIL_DAY = 9, 20
CODE = "CN_EXPORTS"


def total_of_exports(panel: Panel) -> IndicatorPanel:
    """The total of China's exports as an indicator of every series, on the day before a detail is published."""
    total = panels.cn_totals()["X"]
    months = total.months.astype(MONTH)
    known_on = (months + 1).astype(DAY) + (RELEASE_DAY - 1)
    indicator = Indicator(CODE, "amount", "CHN", months, known_on, total.values)
    day = (panel.cutoff.astype(MONTH) + 2).astype(DAY) + (DETAIL_DAY - 2)
    return IndicatorPanel((indicator,), dict.fromkeys(panel.unique_ids, (CODE,)), day, panel.cutoff)


def compare(panel: Panel, base: BaseForecasts) -> pd.DataFrame:
    """Errors of the first month by group of series, without and with the total."""
    known = without_joined_januaries(panel, base.cutoffs.tolist(), {})
    plain = combine_panel(panel, base, vintage_values=known)
    given = combine_panel(panel, base, vintage_values=known, indicators=total_of_exports(panel))
    world, sums = (panel.keys["partner"] == WORLD).to_numpy(), (panel.keys["sector"] == TOTAL).to_numpy()
    groups = {
        "all series": np.ones(len(world), dtype=bool),
        "the total": world & sums,
        "sectors": world & ~sums,
        "partners": ~world & sums,
        "sectors of partners": ~world & ~sums,
    }
    return pd.DataFrame.from_dict({name: _errors(plain, given, rows) for name, rows in groups.items()}, orient="index")


def _errors(plain: CombinedForecasts, given: CombinedForecasts, rows: np.ndarray) -> dict[str, float]:
    scale = plain.data.seasonal_scale[rows, BURN_IN:]
    mean = [
        np.nanmean(np.abs(found.centre - found.actual)[rows, BURN_IN:, 0] / scale, axis=0) for found in (plain, given)
    ]
    before, after = (float(np.nanmean(errors)) for errors in mean)
    p_value = float(diebold_mariano(mean[1], mean[0], step=1))
    row = {"series": int(rows.sum()), "without": before, "given the total": after, "ratio": after / before}
    return {**row, "DM p": p_value}


def main() -> int:
    """Run the benchmark, print it, and write it where asked; and end with 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path)
    output = parser.parse_args().output
    problem = panels.cn_cleantech(every=1)
    panel, first = problem.panel, problem.panel.position(problem.cutoffs[0])
    cutoffs = list(range(first - BURN_IN, problem.panel.position(problem.cutoffs[-1]) + 1))
    with process_pool(None) as pool, progress_bar("CN_CLEANTECH") as bar:
        base = forecast_at_cutoffs(
            panel,
            cutoffs=cutoffs,
            horizon=HORIZON,
            reporter=problem.reporter,
            vintage_values=without_joined_januaries(panel, cutoffs, {}),
            executor=pool,
            on_progress=bar,
        )
    found = [__doc__ or "", markdown(compare(panel, base), 3), f"Measured on {machine()}."]
    print("\n\n".join(found))
    if output:
        write(output, "# Clean technology given the total of exports", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
