"""Backtest scores by period: months, January with February, quarters, years, and the growth of each on a year ago."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.analysis.periods import KINDS, LOOK_BACK, Period, growth, scored_periods, totals
from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.config import BASELINE, COMBINATION, PROBABILITIES
from forecasting.data.months import MONTHS_PER_YEAR, number_of_month
from forecasting.evaluation.metrics import fold_scores
from forecasting.evaluation.score_accumulator import ScoreAccumulator, ScoreArray
from forecasting.types import FloatArray
from forecasting.uncertainty.simulation import path_quantiles

GROWTH = "_growth"
ALL_KINDS = tuple(name for kind in KINDS for name in (kind, kind + GROWTH))
EVERY = {"jan_feb": MONTHS_PER_YEAR, "quarter": 3, "year": MONTHS_PER_YEAR}
"""Kinds whose forecasts are stored, and the months between their ends; their growth follows from the level."""
PIT_BINS = 10


@dataclass(frozen=True)
class PeriodForecasts:
    """The combination's forecasts of every period of a kind at one cutoff (a month), with the outcomes.

    `step` is that of the first period's last month; the others end `every` months apart. `mean` and `actual` have
    shape (series, periods), the actual NaN where it is not known yet; `quantiles` (series, PROBABILITIES, periods).
    """

    kind: str
    cutoff: np.datetime64
    step: int
    every: int
    mean: FloatArray
    actual: FloatArray
    quantiles: NDArray[np.float32]

    def of(self, rows: slice) -> "PeriodForecasts":
        """The forecasts of some of the series."""
        return replace(self, mean=self.mean[rows], actual=self.actual[rows], quantiles=self.quantiles[rows])


def _empty_forecasts(kind: str, cutoff: np.datetime64, periods: list[Period], series: int) -> PeriodForecasts:
    step = periods[0].last - number_of_month(cutoff)
    shape = (series, len(periods))
    quantiles = np.empty((series, len(PROBABILITIES), len(periods)), dtype=np.float32)
    return PeriodForecasts(kind, cutoff, step, EVERY[kind], np.empty(shape), np.empty(shape), quantiles)


class PeriodScores:
    """Scores of every kind of period by the step of its last month, added one fold at a time.

    Errors are unscaled, and the baseline has no intervals. Months are scored elsewhere, for every forecaster; here they
    have only their PIT histogram: how often the actual exceeded a tenth of the draws, two tenths and so on. Forecasts
    of the kinds in EVERY are kept.
    """

    def __init__(self, series: int, horizon: int) -> None:
        self._series = series
        self._forecasts: dict[tuple[str, int], PeriodForecasts] = {}
        names = (COMBINATION, BASELINE)
        self._scores = {(kind, name): ScoreAccumulator(series, horizon) for kind in ALL_KINDS for name in names}
        self._pit = {kind: np.zeros((series, PIT_BINS), dtype=np.int32) for kind in ALL_KINDS}

    def add(self, pool: CombinedForecasts, fold: int, *, rows: slice, paths: NDArray[np.float32]) -> None:
        """Score the forecasts of one fold for some of the series; `paths` are theirs."""
        cutoff = int(pool.base.cutoffs[fold])
        month = pool.panel.months[cutoff]
        past = slice(max(cutoff + 1 - LOOK_BACK, 0), cutoff + 1)
        # Values as known now, of months that were known at the cutoff: without a January published with February.
        observed = np.where(np.isfinite(pool.seen(fold)[rows, past]), pool.panel.values[rows, past], np.nan)
        published = np.where(pool.panel.imputed[rows, past], np.nan, observed)
        baseline = pool.base.means[rows, pool.base.names.index(BASELINE), fold]
        # January and February published as one figure count in sums; as months they are not scored.
        outcomes = pool.panel.ahead([cutoff], paths.shape[2])[rows, 0]
        sums = np.stack([pool.centre[rows, fold], baseline, outcomes], axis=1)
        months = np.stack([pool.centre[rows, fold], baseline, pool.actual[rows, fold]], axis=1)
        for kind in ALL_KINDS:
            level_kind = kind.removesuffix(GROWTH)
            periods = scored_periods(number_of_month(month), paths.shape[2], level_kind)
            if periods:
                if kind in EVERY and (kind, fold) not in self._forecasts:
                    self._forecasts[kind, fold] = _empty_forecasts(kind, month, periods, self._series)
                points, known = (months, published) if level_kind == "month" else (sums, observed)
                self._add_kind(kind, fold, month, periods, rows, points, paths, known)

    def _add_kind(
        self,
        kind: str,
        fold: int,
        month: np.datetime64,
        periods: list[Period],
        rows: slice,
        points: FloatArray,
        paths: NDArray[np.float32],
        observed: FloatArray,
    ) -> None:
        measure = growth if kind.endswith(GROWTH) else totals
        cutoff = number_of_month(month)
        mean, baseline, actual = np.moveaxis(measure(points, observed, periods, cutoff), 1, 0)
        draws = measure(paths, observed, periods, cutoff)
        self._add_pit(kind, rows, draws, actual)
        if kind == "month":
            return
        steps = [period.last - cutoff for period in periods]
        quantiles = path_quantiles(draws, PROBABILITIES)
        if kind in EVERY:
            kept = self._forecasts[kind, fold]
            kept.mean[rows], kept.actual[rows], kept.quantiles[rows] = mean, actual, quantiles
        combined = fold_scores(actual=actual, mean=mean, quantiles=quantiles)
        self._scores[kind, COMBINATION].add(combined, rows=rows, steps=steps)
        self._scores[kind, BASELINE].add(fold_scores(actual=actual, mean=baseline), rows=rows, steps=steps)

    def _add_pit(self, kind: str, rows: slice, draws: FloatArray, actual: FloatArray) -> None:
        """Count PIT bins; `draws` has shape (series, draws, periods), `actual` (series, periods)."""
        below = (draws < actual[:, None]).mean(axis=1)
        series, period = np.nonzero(np.isfinite(actual) & np.isfinite(draws).all(axis=1))
        bins = np.minimum((below[series, period] * PIT_BINS).astype(int), PIT_BINS - 1)
        np.add.at(self._pit[kind][rows], (series, bins), 1)

    @property
    def forecasts(self) -> tuple[PeriodForecasts, ...]:
        """The forecasts kept so far, by kind and fold."""
        return tuple(kept for _, kept in sorted(self._forecasts.items()))

    def scored(self) -> list[ScoreArray]:
        """The scores of all folds so far."""
        found = [score for (kind, name), scores in self._scores.items() for score in scores.scored(name, kind)]
        for kind, counts in self._pit.items():
            shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
            found += [
                ScoreArray(
                    COMBINATION, kind, ("pit", 100.0 * i / PIT_BINS), (0,), shares[:, i, None], counts[:, i, None]
                )
                for i in range(PIT_BINS)
            ]
        return found
