"""The combination beside the usual libraries as a good analyst runs them, on the same folds in the same run.

`python -m benchmarks.accuracy [--quick] [--only NAME ...] [--no-prophet] [--output FILE]`: MASE with one scale a
series (its mean yearly change), an error capped at 50 of them, steps 1 to 12; beside stock Prophet, AutoETS, AutoTheta,
AutoCES, their mean and median, and the naive forecasts, with the ratio to ours and the p-value of Diebold and Mariano
against it.
Quick takes a few cutoffs and series and no Prophet, and ends with code 1 if the combination loses.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import panels
from benchmarks.panels import Problem
from benchmarks.peers import PeerForecasts, backtest_beside_peers
from benchmarks.tables import machine, markdown, write
from forecasting.config import BASELINE, COMBINATION
from forecasting.data.panel import Panel
from forecasting.evaluation.backtest import Backtest
from forecasting.evaluation.metrics import diebold_mariano, folds_ahead
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool

HORIZON = 12
STEPS = (1, 3, 6, 12)
CAP = 50.0
QUICK = 30
STATSFORECAST = ("AutoETS", "AutoTheta", "AutoCES")
PROBLEMS: dict[str, Callable[[], Problem]] = {
    "CN_TRADE": panels.cn_trade,
    "CN_CLEANTECH": panels.cn_cleantech,
    "CN_PARTNERS": panels.cn_partners_borrowed,
    "us_imports": panels.us_imports,
}
# One long series, a panel on which nothing was tuned, and panels that cost hours of the peers' time. Ask by name.
LONG: dict[str, Callable[[], Problem]] = {
    "us_from_cn": panels.us_from_cn,
    "cn_solar": panels.cn_solar,
    "us_imports_whole": panels.us_imports_whole,
    "us_imports_fifth": partial(panels.us_imports_whole, every=5),
    "CN_CLEANTECH_monthly": partial(panels.cn_cleantech, every=1),
}


def losses(problem: Problem, backtest: Backtest, others: PeerForecasts) -> dict[str, FloatArray]:
    """Scaled absolute errors of every method, each (series, folds, horizon)."""
    means = {name: backtest.means[:, row] for row, name in enumerate(backtest.names)}
    chosen = {"Tradewind": means[COMBINATION], "naive": means["naive"], "seasonal naive": means[BASELINE]}
    chosen |= {name: others.means[:, row] for row, name in enumerate(others.names)}
    simple = np.stack([chosen[name] for name in others.names])
    chosen |= {
        "mean of the libraries'": np.nanmean(simple, axis=0),
        "median of the libraries'": np.nanmedian(simple, axis=0),
    }
    values = problem.panel.values
    scale = np.nanmean(np.abs(values[:, 12:] - values[:, :-12]), axis=1)[:, None, None]
    return {name: np.minimum(np.abs(mean - backtest.actual) / scale, CAP) for name, mean in chosen.items()}


def table_of(problem: Problem, errors: dict[str, FloatArray]) -> pd.DataFrame:
    """MASE pooled and by step, the ratio to ours, and the p-value against it: a row a method, the best first."""
    apart = np.diff([problem.panel.position(cutoff) for cutoff in problem.cutoffs]).tolist()
    ours = np.nanmean(errors["Tradewind"])
    rows = {}
    for name, error in errors.items():
        steps = {f"step {step}": float(np.nanmean(error[..., step - 1])) for step in STEPS}
        rows[name] = {"MASE": float(np.nanmean(error)), **steps, "ratio to ours": float(np.nanmean(error) / ours)}
        for step in (1, 12):
            rows[name][f"DM p, step {step}"] = _p_value(error, errors["Tradewind"], step, apart)
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("MASE")


def worse_groups(panel: Panel, errors: dict[str, FloatArray]) -> list[str]:
    """Partners and sectors where the combination's error is above the baseline's."""
    found = []
    for column in ("partner", "sector"):
        for code, rows in panel.keys.groupby(column).groups.items():
            ours, theirs = (np.nanmean(errors[name][list(rows)]) for name in ("Tradewind", "seasonal naive"))
            if ours > theirs:
                found.append(f"{column} {code} ({ours:.3f} against {theirs:.3f})")
    return found


def growth_error(problem: Problem, errors: dict[str, FloatArray]) -> str:
    """Mean absolute error of the first step's growth on a year ago, of the first series, in points."""
    values = problem.panel.values[0]
    scale = np.nanmean(np.abs(values[12:] - values[:-12]))
    base = np.array([values[problem.panel.position(cutoff) - 11] for cutoff in problem.cutoffs])
    points = 100 * np.nanmean(errors["Tradewind"][0, :, 0] * scale / base)
    return f"Growth on a year ago at step 1: mean absolute error {points:.2f} points."


def _p_value(error: FloatArray, ours: FloatArray, step: int, apart: list[int]) -> float:
    """Diebold-Mariano on the folds' mean losses over the series."""
    known = np.isfinite(ours[..., step - 1]).any(axis=0)
    theirs, mine = (np.asarray(np.nanmean(errors[:, known, step - 1], axis=0)) for errors in (error, ours))
    return float(diebold_mariano(theirs, mine, step=folds_ahead(step, apart)))


def quick(problem: Problem) -> Problem:
    """About ten series, and so many cutoffs that both together make QUICK: a series alone needs more of them."""
    step = max(1, len(problem.panel.unique_ids) // 10)
    some = panels.one_in(step, problem.panel)
    every = -(-len(problem.cutoffs) * len(some.unique_ids) // QUICK)
    known = {cutoff: values[::step] for cutoff, values in problem.vintage_values.items()}
    return replace(problem, panel=some, cutoffs=problem.cutoffs[::every], vintage_values=known)


def section(problem: Problem, errors: dict[str, FloatArray]) -> str:
    """Everything about one problem, in Markdown."""
    lines = [f"## {problem.name}: {len(problem.panel.unique_ids)} series, {len(problem.cutoffs)} cutoffs"]
    lines.append(markdown(table_of(problem, errors), 3))
    if problem.name == "CN_TRADE.X":
        lines.append(growth_error(problem, errors))
    worse = worse_groups(problem.panel, errors)
    lines.append(f"Groups where the combination is worse than the seasonal naive: {', '.join(worse) or 'none'}.")
    return "\n\n".join(lines)


def _measured_section(name: str, brief: bool, peers: tuple[str, ...], executor: Executor) -> tuple[str, bool]:
    """The section of a problem, measured and printed, and whether the combination lost to a peer."""
    try:
        problem = (PROBLEMS | LONG)[name]()
    except FileNotFoundError as error:
        return f"## {name}\n\nSkipped: {Path(error.filename).name} is absent.", False
    problem = quick(problem) if brief else problem
    errors = losses(problem, *backtest_beside_peers(problem, horizon=HORIZON, peers=peers, executor=executor))
    text = section(problem, errors)
    print(text, flush=True)
    return text, table_of(problem, errors).index[0] != "Tradewind"


def main() -> int:
    """Run the benchmark, print it, and write it where asked; 1 if the combination lost to a peer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-prophet", action="store_true", help="leave out the slowest peer")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", nargs="*", default=list(PROBLEMS), choices=[*PROBLEMS, *LONG])
    given = parser.parse_args()
    peers = STATSFORECAST if given.quick or given.no_prophet else (*STATSFORECAST, "Prophet")
    with process_pool() as pool:
        results = [_measured_section(name, given.quick, peers, pool) for name in given.only]
    sections = [text for text, _ in results]
    if given.output:
        chosen = "" if given.only == list(PROBLEMS) else f' ARGS="--only {" ".join(given.only)}"'
        write(given.output, f"# Accuracy\n\n`make bench-accuracy{chosen}` on {machine()}; lower is better.", sections)
    return int(any(lost for _, lost in results))


if __name__ == "__main__":
    sys.exit(main())
