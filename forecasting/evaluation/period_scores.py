"""Backtest scores by period: months, January with February, quarters, years, and the growth of each on a year ago."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.analysis.periods import GROWTH, KINDS, LOOK_BACK, Period, growth, scored_periods, totals
from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.config import BASELINE, COMBINATION, PIT_BINS, PROBABILITIES
from forecasting.data.months import MONTHS_PER_YEAR, number_of_month
from forecasting.evaluation.chunks import series_blocks
from forecasting.evaluation.metrics import fold_scores
from forecasting.evaluation.score_accumulator import Metric, ScoreAccumulator, ScoreArray
from forecasting.large_arrays import in_memory, moved
from forecasting.path_quantiles import path_quantiles
from forecasting.types import FloatArray, NewArray

ALL_KINDS = tuple(name for kind in KINDS for name in (kind, kind + GROWTH))
EVERY = {"jan_feb": MONTHS_PER_YEAR, "quarter": 3, "year": MONTHS_PER_YEAR}
"""Kinds whose forecasts are stored, and the months between their ends; their growth follows from the level."""


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

    def moved(self, new_array: NewArray) -> "PeriodForecasts":
        """The forecasts in arrays from `new_array`."""
        mean, actual, quantiles = (moved(part, new_array) for part in (self.mean, self.actual, self.quantiles))
        return replace(self, mean=mean, actual=actual, quantiles=quantiles)


@dataclass(frozen=True)
class KindScores:
    """Scores of one kind of period at one fold.

    `combination` and `baseline` have by metric the scores (series, periods) of the periods whose last months are the
    `steps`; `pit` (series, PIT_BINS) counts the outcomes in each bin. `forecasts` are those of a kind in EVERY.
    """

    kind: str
    steps: tuple[int, ...]
    pit: NDArray[np.int16]
    combination: Mapping[Metric, FloatArray]
    baseline: Mapping[Metric, FloatArray]
    forecasts: PeriodForecasts | None


def score_periods(pool: CombinedForecasts, fold: int, paths: NDArray[np.float32]) -> list[KindScores]:
    """Scores of every kind of period at a fold, from its `paths` (series, draws, horizon), in chunks of series.

    Errors are unscaled, and the baseline has no intervals. Months are scored elsewhere, for every forecaster; here they
    have only their PIT histogram: how often the actual exceeded a tenth of the draws, two tenths and so on.
    """
    blocks = series_blocks(len(paths), paths.shape[1] * paths.shape[2])
    by_kind = zip(*(list(_score_rows(pool, fold, rows, paths[rows])) for rows in blocks), strict=True)
    return [_joined(parts) for parts in by_kind]


def _score_rows(pool: CombinedForecasts, fold: int, rows: slice, paths: NDArray[np.float32]) -> Iterator[KindScores]:
    """As `score_periods`, for some of the series; `paths` are theirs."""
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
            points, known = (months, published) if level_kind == "month" else (sums, observed)
            yield _score_kind(kind, month, periods, points, paths, known)


def _score_kind(
    kind: str,
    month: np.datetime64,
    periods: list[Period],
    points: FloatArray,
    paths: NDArray[np.float32],
    observed: FloatArray,
) -> KindScores:
    measure = growth if kind.endswith(GROWTH) else totals
    cutoff = number_of_month(month)
    mean, baseline, actual = np.moveaxis(measure(points, observed, periods, cutoff), 1, 0)
    draws = measure(paths, observed, periods, cutoff)
    steps, pit = tuple(period.last - cutoff for period in periods), _pit(draws, actual)
    if kind == "month":
        return KindScores(kind, steps, pit, {}, {}, None)
    quantiles = path_quantiles(draws, PROBABILITIES)
    combination = fold_scores(actual=actual, mean=mean, quantiles=quantiles)
    forecasts = None
    if kind in EVERY:
        forecasts = PeriodForecasts(kind, month, steps[0], EVERY[kind], mean, actual, quantiles.astype(np.float32))
    return KindScores(kind, steps, pit, combination, fold_scores(actual=actual, mean=baseline), forecasts)


def _pit(draws: FloatArray, actual: FloatArray) -> NDArray[np.int16]:
    """Outcomes by PIT bin; `draws` has shape (series, draws, periods), `actual` (series, periods)."""
    counts = np.zeros((len(actual), PIT_BINS), dtype=np.int16)
    below = (draws < actual[:, None]).mean(axis=1)
    series, period = np.nonzero(np.isfinite(actual) & np.isfinite(draws).all(axis=1))
    bins = np.minimum((below[series, period] * PIT_BINS).astype(int), PIT_BINS - 1)
    np.add.at(counts, (series, bins), 1)
    return counts


def _joined(parts: Sequence[KindScores]) -> KindScores:
    """The scores of all series from those of chunks."""
    if len(parts) == 1:
        return parts[0]
    first, kept = parts[0], [part.forecasts for part in parts if part.forecasts is not None]
    return replace(
        first,
        pit=np.concatenate([part.pit for part in parts]),
        combination={
            metric: np.concatenate([part.combination[metric] for part in parts]) for metric in first.combination
        },
        baseline={metric: np.concatenate([part.baseline[metric] for part in parts]) for metric in first.baseline},
        forecasts=None
        if not kept
        else replace(
            kept[0],
            mean=np.concatenate([part.mean for part in kept]),
            actual=np.concatenate([part.actual for part in kept]),
            quantiles=np.concatenate([part.quantiles for part in kept]),
        ),
    )


class PeriodScores:
    """Scores of every kind of period by the step of its last month, added one fold at a time, in order.

    Forecasts of the kinds in EVERY are kept, in arrays from `new_array` like the sums.
    """

    def __init__(self, series: int, horizon: int, new_array: NewArray = in_memory) -> None:
        self._forecasts, self._new_array = list[PeriodForecasts](), new_array
        keys = [(kind, name) for kind in ALL_KINDS for name in (COMBINATION, BASELINE)]
        self._scores = {key: ScoreAccumulator(series, horizon, new_array) for key in keys}
        self._pit = {kind: np.zeros((series, PIT_BINS), dtype=np.int32) for kind in ALL_KINDS}

    def add(self, kinds: Iterable[KindScores]) -> None:
        """Add the scores of a fold."""
        for scores in kinds:
            self._pit[scores.kind] += scores.pit
            self._scores[scores.kind, COMBINATION].add(scores.combination, steps=scores.steps)
            self._scores[scores.kind, BASELINE].add(scores.baseline, steps=scores.steps)
            if scores.forecasts is not None:
                self._forecasts.append(scores.forecasts.moved(self._new_array))

    @property
    def forecasts(self) -> tuple[PeriodForecasts, ...]:
        """The forecasts kept so far, by kind and fold."""
        return tuple(sorted(self._forecasts, key=lambda kept: (kept.kind, kept.cutoff)))

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
