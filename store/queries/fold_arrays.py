"""Stored folds as arrays: months of every forecaster, and longer periods of the combination."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from store import grids
from store.database import binary_cursor

FloatArray = NDArray[np.float64]
SERIES_AT_ONCE = 1_000


class SeriesFolds(NamedTuple):
    """One forecaster's forecasts of a series at its folds, cutoffs ascending; NaN where nothing is known.

    Shapes: `means` and `actuals` (folds, periods), `quantiles` (folds, probabilities, periods), None where there are
    none or they were not asked for. The first of a fold's periods ends `steps` months after its cutoff, the others
    `spacing` months apart; a fold has `lengths` of them.
    """

    series_id: int
    forecaster: str
    cutoffs: list[date]
    steps: list[int]
    lengths: list[int]
    spacing: int
    means: FloatArray
    actuals: FloatArray
    quantiles: FloatArray | None

    def between(self, since: date, until: date) -> "SeriesFolds":
        """The folds with a cutoff from `since` to `until`."""
        chosen = slice(bisect_left(self.cutoffs, since), bisect_right(self.cutoffs, until))
        return self._replace(
            cutoffs=self.cutoffs[chosen],
            steps=self.steps[chosen],
            lengths=self.lengths[chosen],
            means=self.means[chosen],
            actuals=self.actuals[chosen],
            quantiles=None if self.quantiles is None else self.quantiles[chosen],
        )


def months(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    *,
    forecaster: str | None = None,
    with_quantiles: bool = False,
) -> Iterator[SeriesFolds]:
    """Monthly forecasts at all folds, of one forecaster or of all."""
    ids = list(series_ids)
    for start in range(0, len(ids), SERIES_AT_ONCE):
        with binary_cursor(session) as cursor:
            some = run_id, ids[start : start + SERIES_AT_ONCE]
            rows = [_Row(*row) for row in cursor.execute(_MONTHS[with_quantiles], some)]
        for row in rows:
            yield from _of_series(row, forecaster)


class _Row(NamedTuple):
    series_id: int
    cutoffs: list[date]
    actuals: list[list[float | None]]
    forecasters: list[str]
    with_quantiles: list[str]
    means: bytes
    quantiles: bytes | None


def _of_series(row: _Row, forecaster: str | None) -> Iterator[SeriesFolds]:
    actuals = np.array(row.actuals, dtype=np.float64)
    count, horizon = actuals.shape
    for name in row.forecasters if forecaster is None else [forecaster]:
        means = _part(row.means, row.forecasters, name)
        if means is None:
            continue
        quantiles = None if row.quantiles is None else _part(row.quantiles, row.with_quantiles, name)
        yield SeriesFolds(
            *(row.series_id, name, row.cutoffs, [1] * count, [horizon] * count, 1),
            grids.read(means, horizon),
            actuals,
            _quantiles(quantiles, count, horizon),
        )


def _part(data: bytes, names: Sequence[str], name: str) -> bytes | None:
    """One forecaster's share of the bytes."""
    if name not in names:
        return None
    size, place = len(data) // len(names), names.index(name)
    return data[place * size : (place + 1) * size]


def periods(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    kind: str,
    *,
    forecaster: str,
    with_quantiles: bool = False,
) -> Iterator[SeriesFolds]:
    """Forecasts of `forecaster`, the combination, for the periods of a kind, at all folds."""
    with binary_cursor(session) as cursor:
        rows = cursor.execute(_PERIODS[with_quantiles], (run_id, list(series_ids), kind)).fetchall()
    for number, cutoffs, steps, lengths, spacing, means, actuals, quantiles in rows:
        actual = np.array(actuals, dtype=np.float64)
        count, length = actual.shape
        yield SeriesFolds(
            *(number, forecaster, cutoffs, steps, lengths, spacing),
            grids.read(means, length),
            actual,
            _quantiles(quantiles, count, length),
        )


def _quantiles(data: bytes | None, folds: int, periods: int) -> FloatArray | None:
    """A row of the grid is a fold, with the periods of each probability."""
    if data is None:
        return None
    size = grids.row_length(len(data) // folds)
    found = grids.read(data, size).reshape(folds, -1, periods)
    return found if np.isfinite(found).any() else None


_MONTHS: dict[bool, Any] = {
    wanted: f"""
        SELECT series_id, cutoffs, actuals, forecasters, with_quantiles, means,
               {"quantiles" if wanted else "NULL::bytea"}
        FROM backtest_forecast WHERE run_id = %s AND series_id = ANY(%s)
    """
    for wanted in (False, True)
}
_PERIODS: dict[bool, Any] = {
    with_quantiles: f"""
        SELECT series_id, cutoffs, steps, lengths, spacing, means, actuals,
               {"quantiles" if with_quantiles else "NULL::bytea"}
        FROM backtest_period WHERE run_id = %s AND series_id = ANY(%s) AND kind = %s
    """
    for with_quantiles in (False, True)
}
