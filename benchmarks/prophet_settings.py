"""Value of each change to stock Prophet, and time saved by the in-process fit.

`python -m benchmarks.prophet_settings [top30-NAICS-imports.parquet]` prints the tables of
docs/decisions/0003-prophet-map.md: mean absolute scaled errors over rolling cutoffs of China's exports, of clean
technology and, if the file is given, of US imports. The scale is a series' mean |y - y[-12]|, an error is capped at 50
of them, and twelve steps are pooled.
"""

import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from prophet import Prophet

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.history import History
from forecasting.forecasters.prophet.forecaster import AnchoredProphet
from forecasting.forecasters.prophet.library_backend import MapProphet

FloatArray = NDArray[np.float64]
Method = Callable[[History], FloatArray]

FIGURES = Path(__file__).resolve().parents[1] / "sources" / "bundled" / "data"
HORIZON = 12
CAP = 50.0

NEW = AnchoredProphet()
LOG_STOCK = replace(
    NEW,
    powers=(0.0,),
    changepoint_prior=0.05,
    seasonal_prior=10.0,
    calendar_prior=10.0,
    persistence=0.0,
    damping=1.0,
    slope_doubt=0.0,
)
VARIANTS: dict[str, AnchoredProphet] = {
    "log Prophet with the calendar, stock priors": LOG_STOCK,
    "  + level of the last residuals": replace(LOG_STOCK, persistence=0.95),
    "  + changepoint prior .01": replace(LOG_STOCK, persistence=0.95, changepoint_prior=0.01),
    "  + damping and doubt of the slope": replace(NEW, powers=(0.0,), seasonal_prior=10.0, calendar_prior=10.0),
    "  + priors of season and calendar": replace(NEW, powers=(0.0,)),
    "  + square root where it does better": NEW,
    "the last, always square root": replace(NEW, powers=(0.5,)),
    "the last, changepoint prior .05": replace(NEW, changepoint_prior=0.05),
    "the last, yearly order 5": replace(NEW, yearly_order=5),
    "the last, yearly order 10": replace(NEW, yearly_order=10),
    "the last, seasonal prior .1": replace(NEW, seasonal_prior=0.1),
    "the last, persistence .9": replace(NEW, persistence=0.9),
    "the last, persistence .98": replace(NEW, persistence=0.98),
    "the last, damping .8": replace(NEW, damping=0.8),
    "the last, damping .95": replace(NEW, damping=0.95),
}


@dataclass(frozen=True)
class Series:
    """A whole series and its reporter."""

    start: np.datetime64
    y: FloatArray
    reporter: str

    def fold(self, cutoff: np.datetime64) -> tuple[History, FloatArray]:
        """The history up to a cutoff, and what followed it, in scales of the series."""
        n = int((cutoff - self.start).astype(int)) + 1
        calendar = calendar_regressors(self.start + np.arange(n + HORIZON), self.reporter)
        return History("series", self.start, self.y[:n], calendar, HORIZON), self.y[n : n + HORIZON]

    @property
    def scale(self) -> float:
        """Mean absolute change on a year ago over the whole series."""
        return float(np.abs(self.y[12:] - self.y[:-12]).mean())


def months(first: str, last: str, every: int) -> Iterable[np.datetime64]:
    """Cutoffs from first to last, both included."""
    return list(np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1, every))


def china() -> list[Series]:
    """China's exports to the world."""
    totals = pd.read_csv(FIGURES / "china_totals.csv")
    return [Series(np.datetime64("2008-01", "M"), totals.loc[totals["flow"] == "X", "usd_billion"].to_numpy(), "CHN")]


def cleantech() -> list[Series]:
    """Partners by sector with their totals, the rest of the world and the world."""
    table = pd.read_csv(FIGURES / "cleantech_exports.csv").sort_values("month")
    values = {key: group["usd_million"].to_numpy(float) for key, group in table.groupby(["partner", "sector"])}
    partners, sectors = sorted(set(table["partner"])), sorted(set(table["sector"]))
    for sector in sectors:
        listed = np.sum([values[partner, sector] for partner in partners if partner != "WLD"], axis=0)
        values["RST", sector] = values["WLD", sector] - listed
    for partner in [*partners, "RST"]:
        values[partner, "TOTAL"] = np.sum([values[partner, sector] for sector in sectors], axis=0)
    return [Series(np.datetime64("2018-01", "M"), y, "CHN") for y in values.values()]


def us_imports(path: str) -> list[Series]:
    """Totals of the 30 partners and the sectors of China, those positive in every month."""
    table = pd.read_parquet(path).reset_index()
    groups = table["CTY_NAME"].str.contains("EUROPEAN UNION|USMCA|TOTAL FOR ALL")
    table = table[~groups & ((table["NAICS"].astype(str) == "00") | (table["CTY_NAME"] == "CHINA"))]
    start = np.datetime64("2013-01", "M")
    by_series = table.sort_values("time").groupby(["CTY_NAME", "NAICS"])["imports"]
    values = [group.to_numpy(float) for _, group in by_series]
    return [Series(start, y, "USA") for y in values if len(y) == 155 and y.min() > 0]


def stock(kind: type[Prophet], history: History) -> FloatArray:
    """Prophet as it comes, through its frames."""
    dates = pd.Series(history.months.astype("datetime64[ns]"))
    n = len(history.y)
    model = kind().fit(pd.DataFrame({"ds": dates[:n], "y": history.y}))
    return np.asarray(model.predict(pd.DataFrame({"ds": dates[n:]}))["yhat"])


def score(method: Method, series: list[Series], cutoffs: Iterable[np.datetime64]) -> list[float]:
    """MASE of all steps together, of step 1 and of step 12."""
    errors = []
    for unique_id in series:
        for cutoff in cutoffs:
            history, actual = unique_id.fold(cutoff)
            error = np.full(HORIZON, np.nan)
            error[: len(actual)] = np.abs(method(history)[: len(actual)] - actual) / unique_id.scale
            errors.append(np.minimum(error, CAP))
    table = np.array(errors)
    return [float(np.nanmean(table)), float(np.nanmean(table[:, 0])), float(np.nanmean(table[:, -1]))]


def print_accuracy(us_path: str | None) -> None:
    """A row a method: MASE, step 1, step 12 for each panel."""
    panels = [(china(), months("2016-12", "2026-06", 1)), (cleantech(), months("2022-12", "2025-08", 4))]
    if us_path:
        panels.append((us_imports(us_path), months("2019-12", "2024-06", 6)))
    methods: dict[str, Method] = {"Prophet as it comes, fitted in process": partial(stock, MapProphet)}
    methods |= {name: variant.forecast for name, variant in VARIANTS.items()}
    for name, method in methods.items():
        cells = [" ".join(f"{value:.3f}" for value in score(method, *panel)) for panel in panels]
        print(f"| {name:45s} | {' | '.join(cells)} |", flush=True)


def print_speed() -> None:
    """Milliseconds of a fold, medians of 11, for histories of several lengths."""
    whole = china()[0]
    methods: dict[str, Method] = {
        "stock": partial(stock, Prophet),
        "MapProphet": partial(stock, MapProphet),
        "AnchoredProphet": NEW.forecast,
    }
    for n in (60, 98, 155, 210):
        history, _ = whole.fold(whole.start + np.timedelta64(n - 1, "M"))
        took = {name: median(seconds(method, history) for _ in range(11)) for name, method in methods.items()}
        cells = [f"{name} {1000 * value:.2f} ms" for name, value in took.items()]
        print(f"| {n} months | {' | '.join(cells)} | ratio {took['stock'] / took['AnchoredProphet']:.0f} |")


def seconds(method: Method, history: History) -> float:
    """Wall time of one fold."""
    begin = perf_counter()
    method(history)
    return perf_counter() - begin


if __name__ == "__main__":
    for noisy in ("cmdstanpy", "prophet"):
        logging.getLogger(noisy).disabled = True
    print_speed()
    print_accuracy(sys.argv[1] if len(sys.argv) > 1 else None)
