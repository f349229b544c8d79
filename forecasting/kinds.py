"""Backtest by kind of answer: months, January with February, quarters, years, and the growth of each on a year ago."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.config import BASELINE, COMBINATION, PROBABILITIES
from forecasting.history import FloatArray
from forecasting.paths import path_quantiles
from forecasting.periods import KINDS, LOOK_BACK, growth, periods, totals
from forecasting.pool import Pool
from forecasting.scores import score_table

GROWTH = "_growth"
ALL_KINDS = tuple(name for kind in KINDS for name in (kind, kind + GROWTH))
PIT_BINS = 10


@dataclass(frozen=True)
class KindForecasts:
    """Forecasts of one kind of period, laid out like months: by the step of the period's last month, else NaN.

    `mean`, `baseline`, `actual` and `pit` (the share of the draws below the actual) have shape (series, folds,
    horizon), `quantiles` (series, folds, probabilities, horizon) at PROBABILITIES.
    """

    mean: FloatArray
    baseline: FloatArray
    actual: FloatArray
    pit: FloatArray
    quantiles: FloatArray

    @classmethod
    def empty(cls, series: int, folds: int, horizon: int) -> "KindForecasts":
        """Nothing known yet."""
        mean, baseline, actual, pit = (np.full((series, folds, horizon), np.nan) for _ in range(4))
        return cls(mean, baseline, actual, pit, np.full((series, folds, len(PROBABILITIES), horizon), np.nan))


def fill_kinds(
    kinds: dict[str, KindForecasts], pool: Pool, fold: int, *, place: int, paths: NDArray[np.float32]
) -> None:
    """Enter at `place` what one fold says of every kind of period that ends within the horizon."""
    cutoff = int(pool.base.cutoffs[fold])
    observed = pool.panel.values[:, max(cutoff + 1 - LOOK_BACK, 0) : cutoff + 1]
    baseline = pool.base.means[:, pool.base.names.index(BASELINE), fold]
    # January and February count in a sum even where only their sum is published.
    came = pool.panel.ahead([cutoff], paths.shape[2])[:, 0]
    points = np.stack([pool.centre[:, fold], baseline, came], axis=1)
    for kind, forecasts in kinds.items():
        spans = periods(pool.panel.months[cutoff], paths.shape[2], kind.removesuffix(GROWTH))
        if not spans:
            continue
        measure = growth if kind.endswith(GROWTH) else totals
        steps = [span.step - 1 for span in spans]
        mean, other, actual = np.moveaxis(measure(points, observed, spans), 1, 0)
        draws = measure(paths, observed, spans)
        forecasts.mean[:, place, steps] = mean
        forecasts.baseline[:, place, steps] = other
        forecasts.actual[:, place, steps] = actual
        forecasts.quantiles[:, place][:, :, steps] = path_quantiles(draws, PROBABILITIES)
        below = (draws < actual[:, None]).mean(axis=1)
        forecasts.pit[:, place, steps] = np.where(np.isfinite(actual), below, np.nan)


def kind_scores(unique_ids: tuple[str, ...], kind: str, forecasts: KindForecasts) -> pd.DataFrame:
    """Scores of one kind: unscaled errors, intervals and the PIT; the baseline has no intervals.

    Months are scored elsewhere, beside every forecaster, and have only their PIT here.
    """
    pit = _pit_histogram(unique_ids, forecasts.pit).assign(kind=kind)
    if kind == "month":
        return pit
    unscaled = np.full(forecasts.mean.shape[:2], np.nan)
    tables = [pit]
    for name, mean, quantiles in (
        (COMBINATION, forecasts.mean, forecasts.quantiles),
        (BASELINE, forecasts.baseline, np.full_like(forecasts.quantiles, np.nan)),
    ):
        table = score_table(
            actual=forecasts.actual,
            mean=mean,
            quantiles=quantiles,
            scale=unscaled,
            squared_scale=unscaled,
            unique_ids=unique_ids,
        )
        tables.append(table.assign(forecaster=name, kind=kind))
    filled = [table for table in tables if len(table)] or [pit]
    return pd.concat(filled, ignore_index=True)


def _pit_histogram(unique_ids: tuple[str, ...], pit: FloatArray) -> pd.DataFrame:
    """Rows of metric `pit`: `level` is a bin's lower edge in per cent, `value` its share, `n` its count."""
    rows = []
    for uid, values in zip(unique_ids, pit, strict=True):
        known = values[np.isfinite(values)]
        counts = np.bincount(np.minimum((known * PIT_BINS).astype(int), PIT_BINS - 1), minlength=PIT_BINS)
        rows += [(uid, 100.0 * i / PIT_BINS, n / len(known), n) for i, n in enumerate(counts) if n]
    table = pd.DataFrame(rows, columns=["unique_id", "level", "value", "n"])
    return table.assign(forecaster=COMBINATION, step=0, metric="pit")
