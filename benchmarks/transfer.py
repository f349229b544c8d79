"""The combination on panels on which it was not tuned: constants are chosen on all panels but one and scored on it.

`python -m benchmarks.transfer [--only NAME ...] [--keep FOLDER] [--output FILE]`: MASE with the scale known at each
cutoff, errors capped at 50 scales; beside the plain mean, the plain median and the best forecaster in hindsight. The
combination is scored before and after the cross-sectional correction and reconciliation; constants are chosen before.
With `--keep`, the forecasters' forecasts are stored in a folder and read again: they take most of the time.
"""

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.development import DEVELOPMENT, Development
from benchmarks.tables import machine, markdown, write
from forecasting.combination.combined_forecasts import combine_panel
from forecasting.combination.error_record import WeightConstants
from forecasting.combination.prior_weights import prior_weights
from forecasting.combination.weights import CONSTANTS, combine
from forecasting.evaluation.metrics import seasonal_scales
from forecasting.evaluation.rolling_origin import BaseForecasts, forecast_at_cutoffs
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool
from jobs.progress import progress_bar

CAP = 50.0
# A forecaster is the best in hindsight only if it forecast this share of the cells.
NEARLY_ALL = 0.98
TOLERANCES, LEADS, INDEPENDENT_MONTHS = (0.035, 0.05, 0.07), (0.003, 0.006, 0.012), (150.0, 300.0, 600.0)
GRID = [WeightConstants(*values) for values in product(TOLERANCES, LEADS, INDEPENDENT_MONTHS)]


@dataclass(frozen=True)
class Fitted:
    """A development panel with the forecasts of all forecasters at all folds."""

    development: Development
    base: BaseForecasts
    actual: FloatArray
    scale: FloatArray

    @property
    def places(self) -> list[int]:
        """Where the scored cutoffs are among the folds."""
        return [self.base.cutoffs.tolist().index(cutoff) for cutoff in self.development.scored]

    def mase(self, centre: FloatArray) -> float:
        """MASE of means (series, folds, horizon) on the scored folds."""
        usable = np.where(self.scale > 0, self.scale, np.nan)[:, self.places, None]
        errors = np.abs(centre[:, self.places] - self.actual[:, self.places]) / usable
        return float(np.nanmean(np.minimum(errors, CAP)))

    def combined(self, constants: WeightConstants) -> FloatArray:
        """The combination alone, shape (series, folds, horizon)."""
        months = np.isfinite(self.development.panel.values).cumsum(axis=1)[:, self.base.cutoffs]
        priors = prior_weights(self.base.names, months)
        return combine(self.base.means, self.actual, self.scale, self.base.cutoffs, priors, constants)[0]

    def best_single(self) -> tuple[str, float]:
        """The forecaster that turned out best, and its MASE."""
        given = np.isfinite(self.base.means[:, :, self.places]).mean(axis=(0, 2, 3))
        found = {
            name: self.mase(self.base.means[:, row])
            for row, name in enumerate(self.base.names)
            if given[row] >= NEARLY_ALL * given.max()
        }
        best = min(found, key=lambda name: found[name])
        return best, found[best]


def fit(development: Development, *, keep: Path | None, workers: int | None) -> Fitted:
    """All forecasters at all folds of a panel, or what `keep` has of them."""
    panel, folds = development.panel, development.folds
    stored = keep / f"{development.name}.npz" if keep else None
    if stored and stored.exists():
        found = np.load(stored)
        base = BaseForecasts(tuple(found["names"].tolist()), found["cutoffs"], found["means"], ())
    else:
        with process_pool(workers) as pool, progress_bar(development.name) as bar:
            base = forecast_at_cutoffs(
                panel,
                cutoffs=folds,
                horizon=development.horizon,
                reporter=development.reporter,
                executor=pool,
                on_progress=bar,
            )
    if stored and not stored.exists():
        np.savez_compressed(stored, names=np.array(base.names), cutoffs=base.cutoffs, means=base.means)
    actual = panel.published_ahead(base.cutoffs.tolist(), development.horizon)
    return Fitted(development, base, actual, seasonal_scales(panel.values, base.cutoffs)[0])


def transfer_table(fitted: Sequence[Fitted]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a panel: scores in sample and out of it beside the peers; and the constants chosen without each panel."""
    tried = np.array([[panel_fit.mase(panel_fit.combined(constants)) for constants in GRID] for panel_fit in fitted])
    rows, chosen = {}, {}
    for place, panel_fit in enumerate(fitted):
        means = panel_fit.base.means
        mean, median = panel_fit.mase(np.nanmean(means, axis=1)), panel_fit.mase(np.nanmedian(means, axis=1))
        name, best = panel_fit.best_single()
        others = np.delete(np.log(tried), place, axis=0)
        # Scores differ in size between panels, so their logarithms are averaged.
        without = int(np.argmin(others.mean(axis=0))) if len(others) else GRID.index(CONSTANTS)
        published = combine_panel(panel_fit.development.panel, panel_fit.base).centre
        label = f"{panel_fit.development.name}: {len(means)} series, {len(panel_fit.places)} cutoffs"
        rows[label] = {
            "published": panel_fit.mase(published),
            "combination": panel_fit.mase(panel_fit.combined(CONSTANTS)),
            "chosen without it": tried[place, without],
            "best in hindsight": best,
            "which": name,
            "plain mean": mean,
            "plain median": median,
        }
        chosen[panel_fit.development.name] = {
            "tolerance": GRID[without].tolerance,
            "lead": GRID[without].lead,
            "independent months": int(GRID[without].independent_months),
            "lowest of the grid": tried[place].min(),
            "highest of the grid": tried[place].max(),
        }
    return pd.DataFrame.from_dict(rows, orient="index"), pd.DataFrame.from_dict(chosen, orient="index")


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """How far the combinations are above (+) or below (-) their peers over the panels, %, by geometric means."""
    found = {}
    for ours in ("published", "combination", "chosen without it"):
        found[ours] = {
            peer: float(100 * (np.exp(np.log(table[ours] / table[peer]).mean()) - 1))
            for peer in ("best in hindsight", "plain mean", "plain median")
        }
    return pd.DataFrame.from_dict(found, orient="index")


def main() -> None:
    """Run the benchmark, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", default=list(DEVELOPMENT), choices=list(DEVELOPMENT))
    parser.add_argument("--keep", type=Path, help="folder for the forecasters' forecasts")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    fitted, absent = [], []
    for name in given.only:
        try:
            fitted.append(fit(DEVELOPMENT[name](), keep=given.keep, workers=given.workers))
        except FileNotFoundError as error:
            absent.append(f"{name} skipped: {Path(error.filename).name} is absent.")
    with warnings.catch_warnings():
        # A cell that no forecaster reached has no mean.
        warnings.simplefilter("ignore", RuntimeWarning)
        table, chosen = transfer_table(fitted)
    sections = [
        markdown(table, 3),
        "## Above (+) or below (-) the peers on average, %\n\n" + markdown(ratios(table), 1),
        "## Constants chosen without the panel, and the range of MASE over the grid\n\n" + markdown(chosen, 3),
        *absent,
    ]
    print("\n\n".join(sections))
    if given.output:
        write(given.output, f"# Transfer\n\n{INTRODUCTION.format(machine=machine())}", sections)


INTRODUCTION = """`make bench-transfer` on {machine}. MASE with the scale known at each cutoff; lower is better.

"published" is the combination after the cross-sectional correction and reconciliation, "combination" before them, both
with the constants of the code. "chosen without it" is the combination with the constants that are best on the other
panels of the table."""


if __name__ == "__main__":
    main()
