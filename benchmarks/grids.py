"""Errors of draws that are stored on grids: `python -m benchmarks.grids`, of China's clean-technology exports.

With four forecasters that cost little and few folds: the shape of the draws matters, not their centre.
"""

import numpy as np

from benchmarks.panels import cn_cleantech
from benchmarks.scale import CONFIG
from forecasting.data.hierarchy import find_hierarchy
from forecasting.pipeline import forecast_panel
from store import grids

PROBABILITIES = 0.1, 0.5, 0.9


def main() -> None:
    """Compare draws with the same draws as stored."""
    panel = cn_cleantech().panel
    drawn = np.swapaxes(forecast_panel(panel, config=CONFIG, reporter="CHN").paths, 1, 2).astype(np.float64)
    stored = grids.decode(grids.encode(drawn).tobytes(), drawn.shape[2]).reshape(drawn.shape).astype(np.float64)
    width = np.subtract(*np.quantile(drawn, (0.75, 0.25), axis=2))
    width[width == 0] = np.inf
    error = np.median(np.abs(stored - drawn), axis=2) / width
    moved = np.abs(np.quantile(stored, PROBABILITIES, axis=2) - np.quantile(drawn, PROBABILITIES, axis=2)) / width
    mean = np.abs(stored.mean(axis=2) - drawn.mean(axis=2)) / np.maximum(drawn.mean(axis=2), 1e-9)
    constraints = find_hierarchy(panel).constraints
    shape = -1, *drawn.shape[1:]
    wholes = (constraints.maximum(0) @ drawn.reshape(len(drawn), -1)).reshape(shape)
    missed = np.abs((constraints @ stored.reshape(len(stored), -1)).reshape(shape)) / np.ptp(
        wholes, axis=2, keepdims=True
    )
    print(f"{len(drawn)} series, {drawn.shape[1]} months, {drawn.shape[2]} draws; at most, in any month of any series:")
    print(f"median error of a draw        {100 * error.max():.4f} % of the interquartile range")
    print(f"shift of a 10, 50, 90 % bound {100 * moved.max():.4f} % of the interquartile range")
    print(f"shift of the mean             {100 * mean.max():.5f} % of the mean")
    print(f"parts less their whole        {100 * missed.max():.4f} % of the range of the whole")


if __name__ == "__main__":
    main()
