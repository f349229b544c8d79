"""Do the intervals hold, and are they narrow? Coverage by kind of answer, and WIS beside peers on the same folds.

`python -m benchmarks.intervals [--quick] [--no-prophet] [--output FILE]`: coverage of the published 50, 80 and 95 %
intervals for months, quarters, years and their growth, each fold calibrated only on values known at its cutoff; WIS
beside prophet and statsforecast with their own intervals. Beside a coverage stands its standard error, for forecasts
from overlapping cutoffs are fewer trials than their number. Quick takes every third cutoff and no Prophet.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import panels
from benchmarks.panels import Problem
from benchmarks.peers import PeerForecasts, backtest_beside_peers
from benchmarks.sampling import SURE, TOLERANCE, blocks_of, hits, marked, standard_errors
from benchmarks.tables import machine, markdown, write
from forecasting.analysis.periods import GROWTH
from forecasting.config import COMBINATION
from forecasting.data.hierarchy import aggregation_levels
from forecasting.data.panel import Panel
from forecasting.evaluation.backtest import Backtest
from forecasting.evaluation.metrics import weighted_interval_score
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool

HORIZON = 12
STEPS = (1, 3, 6, 12)
SHOWN_LEVELS = (50.0, 80.0, 95.0)
# In the order of their numbers in `forecasting.structure.groups`.
GROUPS = ("parts", "partner totals", "sector totals", "grand total")
GROUP_KINDS = ("month", "quarter", "year")
PEERS = ("AutoETS", "AutoETS, conformal", "ARIMA (0,1,1)(0,1,1)", "Prophet")
QUICK_PEERS = ("AutoETS", "AutoETS, conformal", "ARIMA (0,1,1)(0,1,1)")
# A month apart, peers would take an hour; that table shows the coverage of our intervals alone.
ALONE = ("CN_CLEANTECH_monthly",)
PROBLEMS: dict[str, Callable[[], Problem]] = {
    "CN_TRADE": panels.cn_trade,
    "CN_CLEANTECH": panels.cn_cleantech,
    "CN_CLEANTECH_monthly": partial(panels.cn_cleantech, every=1),
    "us_imports": panels.us_imports,
}


def coverage_by_kind(scores: pd.DataFrame) -> pd.DataFrame:
    """Coverage in per cent, pooled over series and steps: a row a kind, a column a level, and how many forecasts."""
    rows = _coverage(scores[scores["step"] == 0], ["kind"])
    return rows.assign(forecasts=_forecasts(scores[scores["step"] == 0], ["kind"]))


def coverage_by_step(scores: pd.DataFrame) -> pd.DataFrame:
    """Coverage of months by step."""
    return _coverage(scores[(scores["kind"] == "month") & scores["step"].isin(STEPS)], ["step"])


def coverage_by_group(scores: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Coverage of months, quarters and years for the grand total, partners' and sectors' totals, and the parts."""
    group = pd.Series(_group_names(panel), index=pd.Index(panel.unique_ids))
    rows = scores[scores["kind"].isin(GROUP_KINDS) & (scores["step"] == 0)]
    rows = rows.assign(group=rows["unique_id"].map(group))
    table = _coverage(rows, ["group", "kind"]).assign(forecasts=_forecasts(rows, ["group", "kind"]))
    return table.set_axis(table.index.map(", ".join))


def _group_names(panel: Panel) -> NDArray[np.str_]:
    return np.array(GROUPS)[aggregation_levels(panel)]


def standard_errors_of(backtest: Backtest, panel: Panel) -> dict[str | int, FloatArray]:
    """Standard errors in points of every row of the coverage tables, by its name, for SHOWN_LEVELS."""
    held = hits(backtest, SHOWN_LEVELS)
    rows: dict[str | int, FloatArray] = {step: held["month"][:, :, [step - 1]] for step in STEPS}
    rows |= {kind + suffix: found for kind, found in held.items() for suffix in ("", GROWTH)}
    names = _group_names(panel)
    rows |= {f"{name}, {kind}": held[kind][names == name] for name in np.unique(names) for kind in GROUP_KINDS}
    block = blocks_of(backtest.cutoffs, HORIZON)
    return {name: standard_errors(found, block=block) for name, found in rows.items()}


def wis_beside_peers(problem: Problem, backtest: Backtest, peers: PeerForecasts) -> pd.DataFrame:
    """Mean WIS scaled by each series' mean yearly change, and its ratio to ours."""
    values = problem.panel.values
    scale = np.nanmean(np.abs(values[:, 12:] - values[:, :-12]), axis=1)[:, None, None]
    ours = backtest.quantiles[COMBINATION].astype(float)
    mean = {"Tradewind": _scaled_wis(backtest.actual, ours, scale)}
    for row, name in enumerate(peers.names):
        mean[name] = _scaled_wis(backtest.actual, peers.quantiles[:, row], scale)
    table = pd.DataFrame({"WIS": mean, "ratio": {name: value / mean["Tradewind"] for name, value in mean.items()}})
    return table.sort_values("WIS")


def _scaled_wis(actual: FloatArray, quantiles: FloatArray, scale: FloatArray) -> float:
    return float(np.nanmean(weighted_interval_score(actual, np.moveaxis(quantiles, 2, -1)) / scale))


def _coverage(scores: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = scores[(scores["metric"] == "coverage") & (scores["forecaster"] == COMBINATION)]
    rows = rows[rows["level"].isin(SHOWN_LEVELS)].assign(inside=lambda frame: frame["value"] * frame["n"])
    sums = rows.groupby([*by, "level"])[["inside", "n"]].sum()
    return (100 * sums["inside"] / sums["n"]).unstack("level").rename(columns="{:g} %".format)


def _forecasts(scores: pd.DataFrame, by: list[str]) -> "pd.Series[int]":
    rows = scores[(scores["metric"] == "coverage") & (scores["forecaster"] == COMBINATION) & (scores["level"] == 80.0)]
    return rows.groupby(by)["n"].sum()


def report(problem: Problem, backtest: Backtest, others: PeerForecasts) -> str:
    """Everything about one problem, in Markdown."""
    scores = backtest.scores
    errors = standard_errors_of(backtest, problem.panel)
    coverages = {
        "Coverage by kind of answer, all steps, %": coverage_by_kind(scores),
        "Coverage of months by step, %": coverage_by_step(scores),
        "Coverage by group and kind, %": coverage_by_group(scores, problem.panel),
    }
    levels = {f"{level:g} %": level for level in SHOWN_LEVELS}
    tables = {title: marked(table, errors, levels) for title, table in coverages.items()}
    if others.names:
        tables["WIS over the series' mean yearly change"] = wis_beside_peers(problem, backtest, others)
    head = f"## {problem.name}: {len(problem.panel.unique_ids)} series, {len(problem.cutoffs)} cutoffs"
    parts = [f"{title}\n\n{markdown(table, 3 if 'WIS' in table else 1)}" for title, table in tables.items()]
    return "\n\n".join([head, *parts])


def quick(problem: Problem) -> Problem:
    """Every third cutoff."""
    return replace(problem, cutoffs=problem.cutoffs[::3])


def _measured_section(name: str, brief: bool, peers: tuple[str, ...], executor: Executor) -> str:
    """The section of a problem, measured and printed."""
    try:
        problem = PROBLEMS[name]()
    except FileNotFoundError as error:
        return f"## {name}\n\nSkipped: {Path(error.filename).name} is absent."
    problem = quick(problem) if brief else problem
    measured = backtest_beside_peers(problem, horizon=HORIZON, peers=peers, executor=executor)
    section = report(problem, *measured)
    print(section, flush=True)
    return section


def main() -> None:
    """Run the benchmark, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-prophet", action="store_true", help="leave out the slowest peer")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", nargs="*", default=list(PROBLEMS))
    given = parser.parse_args()
    peers = QUICK_PEERS if given.quick or given.no_prophet else PEERS
    with process_pool() as pool:
        sections = [_measured_section(name, given.quick, () if name in ALONE else peers, pool) for name in given.only]
    if given.output:
        chosen = ' ARGS="--no-prophet"' if given.no_prophet else ""
        title = (
            f"# Intervals\n\n`make bench-intervals{chosen}` on {machine()}. "
            "A fold uses only values known at its cutoff.\n\n"
            "After ± stands a coverage's standard error, over cutoffs drawn again in blocks as long as the horizon.\n"
            f"One star: more than {TOLERANCE:g} points from its level. Two: more than {SURE:g} standard errors as well."
        )
        write(given.output, title, sections)


if __name__ == "__main__":
    main()
