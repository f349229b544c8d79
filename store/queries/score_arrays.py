"""Stored scores as arrays: a row a series, with the scores of every forecaster, kind of period and metric."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlmodel import Session

from store import grids
from store.binary_copy import copy_arrays
from store.database import binary_cursor
from store.models import Score

FloatArray = NDArray[np.float64]
RealArray = NDArray[np.float32] | NDArray[np.float64]
SERIES_AT_ONCE = 1_000
MOST_FORECASTS = 2**15 - 1


class MetricScores(NamedTuple):
    """A metric of one forecaster and one kind of period, for every series.

    `value` and `n`, the number of forecasts scored, have shape (series, levels, 1 + steps): the first step pools all.
    """

    forecaster: str
    kind: str
    metric: str
    levels: Sequence[float]
    value: RealArray
    n: NDArray[np.int32]


def write_scores(
    session: Session, run_id: int, *, series_ids: NDArray[np.int64], scores: Iterable[MetricScores]
) -> None:
    """Store a run's scores of some series; one that could not be computed (not finite, or n = 0) is missing."""
    metrics = sorted(scores, key=lambda metric: metric[:3])
    if not metrics:
        return
    steps = max(metric.value.shape[-1] for metric in metrics)
    value = _over_levels([metric.value for metric in metrics], steps)
    n = _over_levels([metric.n for metric in metrics], steps)
    known = np.isfinite(value) & (n > 0)
    scored = known.any(axis=(1, 2))
    if not scored.any():
        return
    counts = _as_counts(np.where(known, n, 0)[scored])
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": series_ids[scored],
        "entries": _layout(metrics),
        "values": grids.encode(np.where(known, value, np.nan)[scored]).reshape(len(counts), -1),
        "counts": counts.reshape(len(counts), -1).view(np.uint8),
    }
    copy_arrays(session, Score, columns)


def _as_counts(n: FloatArray) -> NDArray[np.int16]:
    """Numbers of scored forecasts as they are stored. Raises ValueError beyond the largest 16-bit integer."""
    if n.max() > MOST_FORECASTS:
        raise ValueError(f"a score of {n.max():.0f} forecasts: the table holds up to {MOST_FORECASTS}")
    return np.ascontiguousarray(n, dtype="<i2")


def _layout(metrics: Iterable[MetricScores]) -> str:
    """Levels by metric, by kind, by forecaster, as JSON."""
    levels: dict[str, dict[str, dict[str, list[float]]]] = {}
    for metric in metrics:
        levels.setdefault(metric.forecaster, {}).setdefault(metric.kind, {})[metric.metric] = [*metric.levels]
    return json.dumps(levels)


class Entry(NamedTuple):
    """The scores of a metric; `level` is that of its interval, or 0."""

    forecaster: str
    kind: str
    metric: str
    level: float


class Scores(NamedTuple):
    """Scores of some series that have any, in the order of series numbers; entries in their own order.

    `value` and `n`, the number of forecasts scored, have shape (series, entries, steps); n is 0 and the value NaN where
    nothing was scored.
    """

    series_ids: list[int]
    entries: list[Entry]
    value: FloatArray
    n: NDArray[np.int64]

    def beside(self, forecaster: str) -> FloatArray:
        """The values of the same metrics of another forecaster, where both were scored."""
        place = {entry: number for number, entry in enumerate(self.entries)}
        found = np.full(self.value.shape, np.nan)
        for number, entry in enumerate(self.entries):
            other = place.get(entry._replace(forecaster=forecaster))
            if other is not None:
                found[:, number] = np.where(self.n[:, number] > 0, self.value[:, other], np.nan)
        return found


def read(
    session: Session,
    run_id: int,
    series_ids: Sequence[int],
    wanted: Callable[[Entry], bool],
    *,
    steps: slice = slice(None),
) -> Scores:
    """The wanted scores of some series; step 0 pools all steps."""
    layouts: dict[str, _Layout] = {}
    ids = list(series_ids)
    for start in range(0, len(ids), SERIES_AT_ONCE):
        with binary_cursor(session) as cursor:
            rows = cursor.execute(_SCORES, (run_id, ids[start : start + SERIES_AT_ONCE])).fetchall()
        for number, entries, values, counts in rows:
            if entries not in layouts:
                layouts[entries] = _Layout(_parsed(entries), wanted)
            layouts[entries].add(number, values, counts)
    return _joined([layout.scores(steps) for layout in layouts.values()])


_SCORES = "SELECT series_id, entries::text, values, counts FROM score WHERE run_id = %s AND series_id = ANY(%s)"


class _Layout:
    """Series whose rows have the same entries."""

    def __init__(self, entries: Sequence[Entry], wanted: Callable[[Entry], bool]) -> None:
        self._size = len(entries)
        self._places = [place for place, entry in enumerate(entries) if wanted(entry)]
        self._entries = [entries[place] for place in self._places]
        self._ids: list[int] = []
        self._values: list[bytes] = []
        self._counts: list[bytes] = []

    def add(self, series_id: int, values: bytes, counts: bytes) -> None:
        """Keep the wanted entries of a series."""
        self._ids.append(series_id)
        for kept, data in ((self._values, values), (self._counts, counts)):
            rows = np.frombuffer(data, dtype=np.uint8).reshape(self._size, -1)
            kept.append(rows[self._places].tobytes())

    def scores(self, steps: slice) -> Scores:
        shape = len(self._ids), len(self._entries), -1
        if not self._entries:
            return Scores([], [], np.empty((0, 0, 0)), np.empty((0, 0, 0), dtype=np.int64))
        n = np.frombuffer(b"".join(self._counts), dtype="<i2").reshape(shape).astype(np.int64)
        value = grids.read(b"".join(self._values), n.shape[2]).reshape(shape)
        return Scores(self._ids, self._entries, value[:, :, steps], n[:, :, steps])


def _joined(parts: Sequence[Scores]) -> Scores:
    """Scores of all layouts, by series and by entry."""
    ids = sorted(number for part in parts for number in part.series_ids)
    entries = sorted({entry for part in parts for entry in part.entries})
    shape = len(ids), len(entries), max((part.n.shape[2] for part in parts), default=0)
    value, n = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    row, place = ({name: number for number, name in enumerate(names)} for names in (ids, entries))
    for part in parts:
        cells = np.ix_(
            [row[number] for number in part.series_ids],
            [place[entry] for entry in part.entries],
            range(part.n.shape[2]),
        )
        value[cells], n[cells] = part.value, part.n
    return Scores(ids, entries, value, n)


@lru_cache(maxsize=64)
def _parsed(entries: str) -> tuple[Entry, ...]:
    """The entries in the order of their rows."""
    return tuple(
        Entry(forecaster, kind, metric, level)
        for forecaster, kinds in json.loads(entries).items()
        for kind, metrics in kinds.items()
        for metric, levels in metrics.items()
        for level in levels
    )


def _over_levels(values: Sequence[RealArray | NDArray[np.int32]], steps: int) -> FloatArray:
    """Arrays (series, levels, ...) with zeros up to so many steps, as one over all levels."""
    return np.concatenate([np.pad(part, ((0, 0), (0, 0), (0, steps - part.shape[-1]))) for part in values], axis=1)
