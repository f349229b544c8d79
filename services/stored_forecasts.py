"""Forecasts of any series asked for: stored rows where they suffice, joint paths where they do not."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from forecasting.analysis.periods import Period
from forecasting.config import interval_probabilities
from forecasting.types import FloatArray
from store.models import ResolvedSeries
from store.queries import forecasts

BATCH_PARTS = 64
"""How many series' paths, of some 100 kB each, are held at once."""
BATCH_ROWS = 200
"""How many series' stored rows are held at once."""


class StepForecast(NamedTuple):
    """What is forecast of one series up to one step: mean, median, a (lo, hi) for each level, and quantiles.

    A month ahead, or the `span` that ends at the step. All are None where there is no answer, which has its `reason`.
    """

    step: int
    mean: float | None
    median: float | None
    bounds: Sequence[tuple[float | None, float | None]]
    quantiles: Sequence[float | None] = ()
    span: Period | None = None
    reason: str | None = None


class Question(NamedTuple):
    """What is asked of every series: `horizon` months of run `run_id`, with intervals of `levels` in per cent.

    `quantiles` are probabilities asked for beside the levels; `kept` are those whose quantiles are stored.
    """

    run_id: int
    horizon: int
    levels: Sequence[float]
    kept: Sequence[float]
    quantiles: Sequence[float] = ()

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """The two probabilities of each level."""
        return [interval_probabilities(level) for level in self.levels]

    @property
    def probabilities(self) -> list[float]:
        """Those of the levels' bounds, two by two, and those asked for."""
        return [*(probability for pair in self.bounds for probability in pair), *self.quantiles]


def forecast_series(
    session: Session, question: Question, chosen: Sequence[ResolvedSeries]
) -> Iterator[tuple[ResolvedSeries, list[StepForecast]]]:
    """Forecasts of each series, in the order given, a batch of series in memory at a time."""
    plain = set(question.probabilities) <= set(question.kept) and not any(one.derived for one in chosen)
    for batch in batches(chosen, BATCH_ROWS if plain else BATCH_PARTS):
        answers = _from_rows(session, question, batch) if plain else _from_paths(session, question, batch)
        yield from zip(batch, answers, strict=True)


def combine(one: ResolvedSeries, paths: NDArray[np.float32], position: dict[int, int]) -> FloatArray:
    """Joint draws of a series from those of its parts, shape (draws, steps); `position` finds a part in `paths`."""
    rows = [position[part.series_id] for part in one.parts]
    signs = np.array([part.sign for part in one.parts], dtype=np.float64)
    draws: FloatArray = np.tensordot(signs, paths[rows].astype(np.float64), axes=1)
    return draws


def batches(chosen: Sequence[ResolvedSeries], size: int) -> Iterator[list[ResolvedSeries]]:
    """Series together as long as their parts number `size` at most; one of more parts goes alone."""
    batch: list[ResolvedSeries] = []
    parts = 0
    for one in chosen:
        if batch and parts + len(one.parts) > size:
            yield batch
            batch, parts = [], 0
        batch.append(one)
        parts += len(one.parts)
    if batch:
        yield batch


def _from_rows(session: Session, question: Question, batch: list[ResolvedSeries]) -> Iterator[list[StepForecast]]:
    bounds = question.bounds
    probabilities = sorted({*chain.from_iterable(bounds), *question.quantiles})
    places = [(probabilities.index(lo), probabilities.index(hi)) for lo, hi in bounds]
    others = [probabilities.index(probability) for probability in question.quantiles]
    found: dict[int, list[StepForecast]] = {one.parts[0].series_id: [] for one in batch}
    for series_id, step, mean, median, values in _stored_rows(session, question, batch, probabilities):
        pairs = [(values[lo], values[hi]) for lo, hi in places]
        found[series_id].append(StepForecast(step, mean, median, pairs, [values[place] for place in others]))
    for one in batch:
        yield found[one.parts[0].series_id]


def _from_paths(session: Session, question: Question, batch: list[ResolvedSeries]) -> Iterator[list[StepForecast]]:
    ids = sorted({part.series_id for one in batch for part in one.parts})
    paths = forecasts.paths(session, question.run_id, ids)[:, :, : question.horizon]
    position = {series_id: row for row, series_id in enumerate(ids)}
    stored = [one for one in batch if not one.derived]
    centres: dict[int, list[tuple[float, float]]] = {}
    for row in _stored_rows(session, question, stored, question.kept[:1]):
        centres.setdefault(row.series_id, []).append((row.mean, row.median))
    for one in batch:
        draws = combine(one, paths, position)
        centre = None if one.derived else centres[one.parts[0].series_id]
        yield _summary(draws, question, centre)


def _summary(draws: FloatArray, question: Question, centre: list[tuple[float, float]] | None) -> list[StepForecast]:
    """Mean, median and quantiles of draws; a stored series keeps the mean and median that were published."""
    rows = np.quantile(draws, question.probabilities, axis=0).T.tolist()
    if centre is None:
        centre = list(zip(draws.mean(axis=0).tolist(), np.median(draws, axis=0).tolist(), strict=True))
    return [
        StepForecast(step, mean, median, *split(row, len(question.levels)))
        for step, ((mean, median), row) in enumerate(zip(centre, rows, strict=True), start=1)
    ]


def split(row: list[float], levels: int) -> tuple[list[tuple[float, float]], list[float]]:
    """The bounds of so many levels, two by two, and the quantiles that follow them."""
    return list(zip(row[: 2 * levels : 2], row[1 : 2 * levels : 2], strict=True)), row[2 * levels :]


def _stored_rows(
    session: Session, question: Question, batch: list[ResolvedSeries], probabilities: Sequence[float]
) -> Iterator[forecasts.MonthForecast]:
    if not batch:
        return iter(())
    ids = [one.parts[0].series_id for one in batch]
    return forecasts.months(session, question.run_id, ids, horizon=question.horizon, probabilities=probabilities)
