"""A run of so many series, fits in worker processes among it, on a made-up panel: processor time and memory.

`python -m benchmarks.scale SERIES` prints one JSON object. Few folds and forecasters that cost little, so that ten
thousand series are minutes: the question is whether a series costs the same among few as among many. The
panel's parts are bundled series, each with its months' changes resampled by years and its own size; wholes are sums.
"""

import json
import os
import sys
import threading
import time

import numpy as np
import pandas as pd
import psutil

from benchmarks.panels import cn_cleantech
from forecasting.config import ForecastConfig
from forecasting.data.panel import Panel
from forecasting.pipeline import forecast_panel
from jobs.execution.executors import process_pool

SECTORS = 9
CONFIG = ForecastConfig(folds=6, burn_in=6, forecasters=("naive", "seasonal_naive", "seasonal_mean", "tsb"))
SAMPLED_SECONDS = 0.05


def made_up_panel(series: int) -> Panel:
    """Partners x sectors with their totals, about so many series, the wholes the sums of the parts."""
    partners = max(series // (SECTORS + 1) - 1, 1)
    draw = np.random.default_rng(series)
    like = cn_cleantech().panel
    whole = like.values[(np.isfinite(like.values) & (like.values > 0)).all(axis=1)]
    changes = np.diff(np.log(whole), axis=1)[draw.integers(len(whole), size=partners * SECTORS)]
    # Whole years change places: a season stays a season.
    years = changes[:, : changes.shape[1] // 12 * 12].reshape(len(changes), -1, 12)
    order = draw.permuted(np.tile(np.arange(years.shape[1]), (len(years), 1)), axis=1)
    steps = np.take_along_axis(years, order[:, :, None], axis=1).reshape(len(years), -1)
    parts = np.exp(draw.normal(4, 1, (len(steps), 1)) + np.cumsum(steps, axis=1)).reshape(partners, SECTORS, -1)
    by_partner = np.concatenate([parts, parts.sum(axis=0, keepdims=True)])
    values = np.concatenate([by_partner, by_partner.sum(axis=1, keepdims=True)], axis=1)
    names = [*(f"P{row:04}" for row in range(partners)), "WLD"], [*(f"S{row}" for row in range(SECTORS)), "TOTAL"]
    keys = pd.MultiIndex.from_product([["X"], *names], names=["flow", "partner", "sector"]).to_frame(index=False)
    flat = values.reshape(-1, values.shape[2])
    months = np.datetime64("2016-01") + np.arange(flat.shape[1])
    return Panel(tuple(keys.agg(".".join, axis=1)), months, flat, np.zeros(flat.shape, bool), keys)


class Peak:
    """The greatest resident memory of this process and its children together, in megabytes, while it is watched."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        here = psutil.Process(os.getpid())
        while not self._ended.wait(SAMPLED_SECONDS):
            held = 0
            for process in (here, *here.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.megabytes = max(self.megabytes, held / 1e6)


def main() -> None:
    """Measure one size."""
    panel, small = made_up_panel(int(sys.argv[1])), made_up_panel(40)
    with Peak() as peak, process_pool() as pool:
        # Libraries are loaded once, whatever the number of series.
        forecast_panel(small, config=CONFIG, reporter="CHN", executor=pool)
        wall, before = time.perf_counter(), _processor()
        made = forecast_panel(panel, config=CONFIG, reporter="CHN", executor=pool)
        rows = sum(len(made.backtest.of(slice(at, at + 100)).scores) for at in range(0, len(panel.unique_ids), 100))
        found = {
            "series": len(panel.unique_ids),
            "seconds": time.perf_counter() - wall,
            "processor": _processor() - before,
        }
    print(json.dumps(found | {"megabytes": peak.megabytes, "scores": rows}))


def _processor() -> float:
    """Seconds of processor of this process and of the workers that live."""
    here = psutil.Process(os.getpid())
    times = [process.cpu_times() for process in (here, *here.children(recursive=True))]
    return float(sum(usage.user + usage.system for usage in times))


if __name__ == "__main__":
    main()
