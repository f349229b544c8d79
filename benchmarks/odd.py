"""Odd series beside AutoETS: `python -m benchmarks.odd [--series N] [--seeds N ...] [--output FILE]`.

Families of generated series (intermittent, lumpy, calmed, collapsed, booming, shifted, with a wrong last value, short,
balances) are forecast at cutoffs half a year apart and scored on the year after each: errors of means and the weighted
interval score relative to AutoETS's, and the coverage of 80 % intervals, beside AutoETS with its own and with conformal
intervals.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.panels import Problem
from benchmarks.peers import run_peers
from forecasting.config import COMBINATION, PROBABILITIES, ForecastConfig
from forecasting.data.panel import Panel
from forecasting.evaluation.metrics import weighted_interval_score
from forecasting.pipeline import evaluate_panel
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool

MONTHS, HORIZON, CUTOFFS = 96, 12, (-25, -19, -13)
PEERS = ("AutoETS", "AutoETS, conformal")
Family = Callable[[np.random.Generator], FloatArray]
NOMINAL, LARGEST_GAP, LARGEST_LOSS = 80.0, 6.0, 0.05
TARGETS = "Targets: no error more than 5 % above a peer's, and coverage between 74 and 86 %."
LOW, HIGH = PROBABILITIES.index(0.1), PROBABILITIES.index(0.9)


def _regular(draw: np.random.Generator, *, noise: float = 0.08) -> FloatArray:
    months = np.arange(MONTHS)
    season = 0.2 * np.sin(2 * np.pi * (months / 12 + draw.random()))
    shocks = np.cumsum(draw.normal(0, noise / 3, MONTHS)) + draw.normal(0, noise, MONTHS)
    level: FloatArray = 100 * np.exp(0.003 * months + season + shocks)
    return level


def _intermittent(draw: np.random.Generator) -> FloatArray:
    return np.where(draw.random(MONTHS) < 0.3, draw.gamma(2.0, 50.0, MONTHS), 0.0)


def _lumpy(draw: np.random.Generator) -> FloatArray:
    return np.where(draw.random(MONTHS) < 0.15, draw.gamma(1.0, 500.0, MONTHS), draw.gamma(1.0, 1.0, MONTHS))


def _calmed(draw: np.random.Generator) -> FloatArray:
    noise = np.where(np.arange(MONTHS) < MONTHS - 43, 0.3, 0.03)
    return np.asarray(100 * np.exp(noise * draw.normal(size=MONTHS)))


def _collapsed(draw: np.random.Generator) -> FloatArray:
    return np.where(np.arange(MONTHS) < 45, _regular(draw), np.round(draw.gamma(3.0, 1.0, MONTHS)))


def _booming(draw: np.random.Generator) -> FloatArray:
    start = draw.integers(50, 70)
    growth = np.exp(0.12 * np.clip(np.arange(MONTHS) - start, 0, 14))
    boom: FloatArray = _regular(draw) * growth
    return boom


def _shifted(draw: np.random.Generator) -> FloatArray:
    shifted: FloatArray = _regular(draw) * np.where(np.arange(MONTHS) >= MONTHS - 26, draw.choice([0.4, 2.5]), 1.0)
    return shifted


def _wrong_last(draw: np.random.Generator) -> FloatArray:
    y = _regular(draw)
    y[[MONTHS + cutoff for cutoff in CUTOFFS]] *= draw.choice([0.0, 10.0, 30.0], size=len(CUTOFFS))
    return y


def _short(draw: np.random.Generator) -> FloatArray:
    y = _regular(draw)
    y[: MONTHS - 60] = np.nan
    return y


def _balance(draw: np.random.Generator) -> FloatArray:
    return _regular(draw) - _regular(draw)


FAMILIES: dict[str, Family] = {
    "intermittent": _intermittent,
    "lumpy": _lumpy,
    "calm after volatile years": _calmed,
    "collapsed": _collapsed,
    "booming": _booming,
    "level shift": _shifted,
    "wrong last value": _wrong_last,
    "short": _short,
    "balance": _balance,
}


def problem(family: str, *, series: int, seed: int) -> Problem:
    """A panel of one family, and its cutoffs."""
    draw = np.random.default_rng([seed, sorted(FAMILIES).index(family)])
    ds = pd.date_range("2017-01", periods=MONTHS, freq="MS")
    frames = [pd.DataFrame({"unique_id": f"s{i:02}", "ds": ds, "y": FAMILIES[family](draw)}) for i in range(series)]
    panel = Panel.from_long(pd.concat(frames).dropna())
    return Problem(family, panel, "ZZZ", panel.months[list(CUTOFFS)])


def measure(actual: FloatArray, mean: FloatArray, quantiles: FloatArray) -> tuple[float, float, float, float]:
    """Mean absolute error, root mean square error, WIS and coverage of 80 % in per cent.

    `actual` and `mean` have shape (series, folds, horizon), `quantiles` (series, folds, probabilities, horizon).
    """
    error = mean - actual
    wis = weighted_interval_score(actual, np.moveaxis(quantiles, 2, -1))
    return (
        float(np.nanmean(np.abs(error))),
        float(np.sqrt(np.nanmean(error**2))),
        float(np.nanmean(wis)),
        100 * float(coverage(actual, np.moveaxis(quantiles, 2, -1)).mean()),
    )


def coverage(actual: FloatArray, quantiles: FloatArray) -> FloatArray:
    """The probability that an actual is inside its 80 % interval, same shape; `quantiles` (..., probabilities).

    It is one or zero unless the actual equals quantiles, as where half of all months are zero and zero is the lower
    bound. Such an actual stands for all probabilities at which its value is the quantile, and the share of them inside
    the level counts (the randomised probability integral transform: Smith 1985, Journal of Forecasting 4). Otherwise
    an interval that begins at zero would hold 90 % where its forecaster is right.
    """
    levels = np.array(PROBABILITIES)
    value = actual[..., None]
    below = np.where(quantiles < value, levels, 0.0).max(axis=-1)
    above = np.where(quantiles > value, levels, 1.0).min(axis=-1)
    low, high = levels[LOW], levels[HIGH]
    share = (np.minimum(above, high) - np.maximum(below, low)) / np.where(above > below, above - below, 1.0)
    plain = (actual >= quantiles[..., LOW]) & (actual <= quantiles[..., HIGH])
    return np.where((quantiles == value).any(axis=-1), np.maximum(share, 0.0), plain)


def compare(family: str, *, series: int, seeds: Sequence[int]) -> list[str]:
    """A row of the table: errors of the combination relative to AutoETS, and coverages, means over the seeds.

    The last entry is the range of the coverages of the seeds.
    """
    with process_pool(None) as executor:
        found = np.array([_compare(problem(family, series=series, seed=seed), executor) for seed in seeds])
    *errors, ours, theirs, conformal = found.mean(axis=0)
    coverages = found[:, len(errors)]
    across = f"{coverages.min():.0f} to {coverages.max():.0f}"
    return [family, *(f"{error:.2f}" for error in errors), f"{ours:.0f}", across, f"{theirs:.0f}", f"{conformal:.0f}"]


def _compare(given: Problem, executor: Executor) -> list[float]:
    """MAE, RMSE and WIS relative to AutoETS, WIS to conformal AutoETS, and the coverages of the three."""
    config = ForecastConfig(horizon=HORIZON, burn_in=18)
    backtest, _ = evaluate_panel(
        given.panel, cutoffs=list(given.cutoffs), config=config, reporter=given.reporter, executor=executor
    )
    peers = run_peers(given, horizon=HORIZON, peers=PEERS, executor=executor)
    quantiles = backtest.quantiles[COMBINATION].astype(np.float64)
    ours = measure(backtest.actual, backtest.combined, quantiles)
    theirs = [measure(backtest.actual, peers.means[:, i], peers.quantiles[:, i]) for i in range(len(PEERS))]
    relative = [mine / other for mine, other in zip(ours[:3], theirs[0][:3], strict=True)]
    return [*relative, ours[2] / theirs[1][2], *(row[3] for row in (ours, *theirs))]


def misses(row: list[str]) -> list[str]:
    """The targets that a row of `compare` misses."""
    family, *errors, coverage, _, _, _ = row
    names = ("MAE", "RMSE", "WIS", "WIS / conformal")
    found = [
        f"{family}, {name} {error}"
        for name, error in zip(names, errors, strict=True)
        if float(error) > 1 + LARGEST_LOSS
    ]
    wrong = abs(float(coverage) - NOMINAL) > LARGEST_GAP
    return found + ([f"{family}, coverage {coverage} %"] if wrong else [])


def main() -> None:
    """Print the table, or write it to a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--series", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    seeds = " ".join(map(str, given.seeds))
    command = f"python -m benchmarks.odd --series {given.series} --seeds {seeds}"
    lines = [
        "# Odd series",
        "",
        f"`{command}`: generated series, three cutoffs half a year apart, a year ahead.",
        "Errors of the combination relative to AutoETS (below 1 is better), coverage of 80 % intervals in per cent:",
        "means over the seeds, each a panel of its own, and the range of coverages.",
        "",
        "| family | MAE | RMSE | WIS | WIS / conformal | coverage | of the seeds | AutoETS | conformal |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    missed = list[str]()
    for family in FAMILIES:
        row = compare(family, series=given.series, seeds=given.seeds)
        missed += misses(row)
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    lines += ["", f"{TARGETS} Missed: {'; '.join(missed) or 'none'}."]
    if given.output:
        given.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
