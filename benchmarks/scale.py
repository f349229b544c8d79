"""A run's own part, fits aside, on a made-up panel of so many series: time and memory.

`python -m benchmarks.scale SERIES` prints one JSON object. Every forecaster takes part with forecasts that cost
nothing, so that what is measured is all that is not fitting: combination, reconciliation, joint paths, scores.
"""

import json
import resource
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pandas as pd

from forecasting.backtest import SeriesFit, SeriesTask
from forecasting.config import ForecastConfig
from forecasting.panel import Panel
from forecasting.pipeline import forecast_panel

MONTHS = 120
SECTORS = 9
CONFIG = ForecastConfig(folds=24)


def made_up_panel(series: int) -> Panel:
    """Partners x sectors with their totals, about so many series, the wholes the sums of the parts."""
    partners = max(series // (SECTORS + 1) - 1, 1)
    draw = np.random.default_rng(series)
    season = 0.1 * np.sin(2 * np.pi * (np.arange(MONTHS) / 12 + draw.uniform(size=(partners, SECTORS, 1))))
    walk = np.cumsum(draw.normal(0.003, 0.04, (partners, SECTORS, MONTHS)), axis=2)
    parts = np.exp(draw.normal(4, 1, (partners, SECTORS, 1)) + walk + season)
    by_partner = np.concatenate([parts, parts.sum(axis=0, keepdims=True)])
    values = np.concatenate([by_partner, by_partner.sum(axis=1, keepdims=True)], axis=1)
    names = [*(f"P{row:04}" for row in range(partners)), "WLD"], [*(f"S{row}" for row in range(SECTORS)), "TOTAL"]
    keys = pd.MultiIndex.from_product([["X"], *names], names=["flow", "partner", "sector"]).to_frame(index=False)
    ids = tuple(keys.agg(".".join, axis=1))
    flat = values.reshape(-1, MONTHS)
    return Panel(ids, np.datetime64("2016-01") + np.arange(MONTHS), flat, np.zeros(flat.shape, bool), keys)


class Given(Executor):
    """Gives forecasts without fitting: the month a year before, with an error of each forecaster's own."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """A series' forecasts, at once."""
        task: SeriesTask = args[0]
        draw = np.random.default_rng(zlib.crc32(task.unique_id.encode()))
        steps = np.arange(task.horizon)
        known = np.stack([task.y[cutoff - 11 : cutoff + 1][steps % 12] for cutoff in task.cutoffs])
        errors = draw.normal(0, 0.1, (len(task.forecasters), *known.shape)) * np.sqrt(1 + steps / 6)
        future: Future[SeriesFit] = Future()
        future.set_result(SeriesFit(task.unique_id, known * np.exp(errors), ()))
        return future


def main() -> None:
    """Measure one size."""
    panel = made_up_panel(int(sys.argv[1]))
    wall, processor = time.perf_counter(), time.process_time()
    made = forecast_panel(panel, config=CONFIG, reporter="XXX", executor=Given())
    rows = sum(len(made.backtest.of(slice(at, at + 100)).scores) for at in range(0, len(panel.unique_ids), 100))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "series": len(panel.unique_ids),
        "forecasters": len(made.names),
        "seconds": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "megabytes": peak,
        "scores": rows,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
