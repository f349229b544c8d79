"""Backtest by kind of answer: months, January with February, quarters, years, and the growth of each on a year ago."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.analysis.periods import KINDS, LOOK_BACK, YEAR, Period, growth, periods, totals
from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.config import BASELINE, COMBINATION, PROBABILITIES
from forecasting.data.history import FloatArray
from forecasting.evaluation.metrics import fold_scores
from forecasting.evaluation.score_accumulator import ScoreAccumulator, Scored
from forecasting.uncertainty.simulation import path_quantiles

GROWTH = "_growth"
ALL_KINDS = tuple(name for kind in KINDS for name in (kind, kind + GROWTH))
EVERY = {"jan_feb": YEAR, "quarter": 3, "year": YEAR}
"""Kinds whose folds are kept, and how many months apart they end: growth on a known base follows from its level."""
PIT_BINS = 10


@dataclass(frozen=True)
class PeriodForecasts:
    """What the combination said at one cutoff (a month) of every period of a kind, and what came.

    `step` is that of the first period's last month; the others end `every` months apart. `mean` and `actual` have
    shape (series, periods), NaN where it is to come; `quantiles` (series, PROBABILITIES, periods).
    """

    kind: str
    cutoff: np.datetime64
    step: int
    every: int
    mean: FloatArray
    actual: FloatArray
    quantiles: NDArray[np.float32]

    def of(self, rows: slice) -> "PeriodForecasts":
        """The track of some of the series."""
        return replace(self, mean=self.mean[rows], actual=self.actual[rows], quantiles=self.quantiles[rows])


def _empty_track(kind: str, cutoff: np.datetime64, spans: list[Period], series: int) -> PeriodForecasts:
    shape = (series, len(spans))
    quantiles = np.empty((series, len(PROBABILITIES), len(spans)), dtype=np.float32)
    return PeriodForecasts(kind, cutoff, spans[0].step, EVERY[kind], np.empty(shape), np.empty(shape), quantiles)


class PeriodScores:
    """Scores of every kind of period, by the step of the period's last month, a fold at a time.

    Errors are unscaled, the baseline has no intervals. Months are scored elsewhere, beside every forecaster, and have
    only their PIT here: how often the actual was above a tenth of the draws, two tenths and so on. What was said
    of the kinds in EVERY is kept.
    """

    def __init__(self, series: int, horizon: int) -> None:
        self._series = series
        self._tracks: dict[tuple[str, int], PeriodForecasts] = {}
        names = (COMBINATION, BASELINE)
        self._tallies = {(kind, name): ScoreAccumulator(series, horizon) for kind in ALL_KINDS for name in names}
        self._pit = {kind: np.zeros((series, PIT_BINS), dtype=np.int32) for kind in ALL_KINDS}

    def add(self, pool: CombinedForecasts, fold: int, *, rows: slice, paths: NDArray[np.float32]) -> None:
        """Score what one fold says of some of the series; `paths` are theirs."""
        cutoff = int(pool.base.cutoffs[fold])
        past = slice(max(cutoff + 1 - LOOK_BACK, 0), cutoff + 1)
        # As known now, but months alone that were known then: not a January that came with February.
        observed = np.where(np.isfinite(pool.seen(fold)[rows, past]), pool.panel.values[rows, past], np.nan)
        published = np.where(pool.panel.imputed[rows, past], np.nan, observed)
        baseline = pool.base.means[rows, pool.base.names.index(BASELINE), fold]
        # January and February count in a sum even where only their sum is published, and alone are not scored.
        came = pool.panel.ahead([cutoff], paths.shape[2])[rows, 0]
        sums = np.stack([pool.centre[rows, fold], baseline, came], axis=1)
        months = np.stack([pool.centre[rows, fold], baseline, pool.actual[rows, fold]], axis=1)
        for kind in ALL_KINDS:
            spans = periods(pool.panel.months[cutoff], paths.shape[2], kind.removesuffix(GROWTH))
            if spans:
                if kind in EVERY and (kind, fold) not in self._tracks:
                    month = pool.panel.months[cutoff]
                    self._tracks[kind, fold] = _empty_track(kind, month, spans, self._series)
                alone = kind.removesuffix(GROWTH) == "month"
                points, known = (months, published) if alone else (sums, observed)
                self._add_kind(kind, fold, spans, rows, points, paths, known)

    def _add_kind(
        self,
        kind: str,
        fold: int,
        spans: list[Period],
        rows: slice,
        points: FloatArray,
        paths: NDArray[np.float32],
        observed: FloatArray,
    ) -> None:
        measure = growth if kind.endswith(GROWTH) else totals
        mean, baseline, actual = np.moveaxis(measure(points, observed, spans), 1, 0)
        draws = measure(paths, observed, spans)
        below = (draws < actual[:, None]).mean(axis=1)
        series, step = np.nonzero(np.isfinite(actual) & np.isfinite(draws).all(axis=1))
        bins = np.minimum((below[series, step] * PIT_BINS).astype(int), PIT_BINS - 1)
        np.add.at(self._pit[kind][rows], (series, bins), 1)
        if kind == "month":
            return
        steps = [span.step for span in spans]
        quantiles = path_quantiles(draws, PROBABILITIES)
        if kind in EVERY:
            track = self._tracks[kind, fold]
            track.mean[rows], track.actual[rows], track.quantiles[rows] = mean, actual, quantiles
        ours = fold_scores(actual=actual, mean=mean, quantiles=quantiles)
        self._tallies[kind, COMBINATION].add(ours, rows=rows, steps=steps)
        self._tallies[kind, BASELINE].add(fold_scores(actual=actual, mean=baseline), rows=rows, steps=steps)

    @property
    def tracks(self) -> tuple[PeriodForecasts, ...]:
        """What was said at all folds so far, by kind and fold."""
        return tuple(track for _, track in sorted(self._tracks.items()))

    def scored(self) -> list[Scored]:
        """The scores of all folds so far."""
        found = [one for (kind, name), tally in self._tallies.items() for one in tally.scored(name, kind)]
        for kind, counts in self._pit.items():
            shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
            found += [
                Scored(COMBINATION, kind, ("pit", 100.0 * i / PIT_BINS), (0,), shares[:, i, None], counts[:, i, None])
                for i in range(PIT_BINS)
            ]
        return found
