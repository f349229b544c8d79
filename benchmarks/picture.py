"""The picture in README.md: a series and its forecast, drawn from the answers of a running service.

tradewind up                       (or make up)
python benchmarks/picture.py docs/forecast.svg
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd

LEVELS = (95, 80, 50)
SHADES = ("#c9dcec", "#8fb8d9", "#4f8fc0")
INK, BLUE = "#222222", "#1b4f7a"
YEARS_SHOWN = 8


def read_table(address: str, dataset: str, what: str, **query: Any) -> pd.DataFrame:
    """One of the service's tables as CSV, its months as dates."""
    parameters = "&".join(f"{name}={value}" for name, value in {**query, "limit": 1000, "format": "csv"}.items())
    table = pd.read_csv(f"{address}/v1/datasets/{dataset}/{what}?{parameters}")
    return table.assign(month=pd.to_datetime(table["month"]))


def draw(observed: pd.DataFrame, forecast: pd.DataFrame, *, title: str, output: Path) -> None:
    """A fan chart: observed values, the median, and the intervals, widest first."""
    mpl.rcParams.update({"svg.hashsalt": "tradewind", "font.size": 10, "axes.spines.top": False})
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    history = observed.tail(12 * YEARS_SHOWN)
    last = {"month": history["month"].iloc[-1], "value": history["value"].iloc[-1]}
    for level, shade in zip(LEVELS, SHADES, strict=True):
        bounds = forecast[forecast["level"] == level]
        months, lo, hi = (
            [start, *bounds[name]]
            for start, name in ((last["month"], "month"), (last["value"], "lo"), (last["value"], "hi"))
        )
        axes.fill_between(months, lo, hi, color=shade, linewidth=0, label=f"{level} %")
    median = forecast[forecast["level"] == LEVELS[0]]
    axes.plot([last["month"], *median["month"]], [last["value"], *median["median"]], color=BLUE, label="median")
    axes.plot(history["month"], history["value"], color=INK, linewidth=1.2, label="observed")
    axes.spines["right"].set_visible(False)
    axes.set_ylabel(forecast["unit"].iloc[0])
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(axis="y", color="#e6e6e6")
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.legend(loc="upper left", frameon=False, ncols=5)
    figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask the service, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--series", default="CN_TRADE.X.WLD.TOTAL")
    parser.add_argument("--title", default="China's goods exports by month, and two years ahead")
    given = parser.parse_args(arguments)
    dataset, flow, partner, sector = given.series.split(".")
    query = {"flow": flow, "partner": partner, "sector": sector}
    observed = read_table(given.address, dataset, "observations", **query)
    forecast = read_table(given.address, dataset, "forecasts", **query, level=",".join(map(str, LEVELS)))
    draw(observed, forecast, title=given.title, output=given.output)


if __name__ == "__main__":
    main()
