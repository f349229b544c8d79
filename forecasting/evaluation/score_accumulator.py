"""Scores as running means: a fold is scored and forgotten, so that ten thousand series need no more than their sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.data.history import FloatArray

Metric = tuple[str, float]
"""A metric's name, and its level where it is one of an interval, else 0."""
KEYS = ("unique_id", "forecaster", "step", "kind", "metric", "level")


@dataclass(frozen=True)
class Scored:
    """A metric of one forecaster for one kind of period, by series and step.

    `value` and `n`, the number of forecasts behind it, have shape (series, steps); n is 0 where there is none.
    """

    forecaster: str
    kind: str
    metric: Metric
    steps: tuple[int, ...]
    value: FloatArray
    n: NDArray[np.int32]


class ScoreAccumulator:
    """Sums over folds of one forecaster's scores, by series and step."""

    def __init__(self, series: int, horizon: int) -> None:
        self._shape = (series, horizon)
        self._sums: dict[Metric, tuple[FloatArray, NDArray[np.int32]]] = {}

    def add(
        self,
        scores: Mapping[Metric, FloatArray],
        *,
        rows: slice = slice(None),
        steps: Sequence[int] | None = None,
    ) -> None:
        """Add a fold's scores, each (series, steps) and NaN where unknown; `steps` are from 1, all unless given."""
        columns = slice(None) if steps is None else np.asarray(steps) - 1
        for metric, values in scores.items():
            known = np.isfinite(values)
            if not known.any():
                continue
            if metric not in self._sums:
                self._sums[metric] = np.zeros(self._shape), np.zeros(self._shape, dtype=np.int32)
            sums, counts = self._sums[metric]
            sums[rows, columns] += np.where(known, values, 0.0)
            counts[rows, columns] += known

    def scored(self, forecaster: str, kind: str) -> list[Scored]:
        """The means by series and step, and as step 0 those over all the steps."""
        steps = tuple(range(self._shape[1] + 1))
        found = []
        for metric, (sums, counts) in self._sums.items():
            total = np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)
            n = np.concatenate([counts.sum(axis=1, keepdims=True, dtype=np.int32), counts], axis=1)
            value = np.divide(total, n, out=total, where=n > 0)
            # The root of a mean square.
            value = np.sqrt(value, out=value) if metric[0] == "rmsse" else value
            found.append(Scored(forecaster, kind, metric, steps, value, n))
        return found


@dataclass(frozen=True)
class ScoreTable:
    """Every score of a backtest, kept as arrays: as rows they take ten times the memory."""

    unique_ids: tuple[str, ...]
    entries: tuple[Scored, ...]

    def of(self, rows: slice) -> "ScoreTable":
        """The scores of some of the series."""
        parts = (replace(one, value=one.value[rows], n=one.n[rows]) for one in self.entries)
        return ScoreTable(self.unique_ids[rows], tuple(parts))

    def frame(self) -> pd.DataFrame:
        """Rows unique_id, forecaster, step, kind, metric, level, value, n, sorted by all but the last two."""
        cells = [np.nonzero(one.n) for one in self.entries]
        pairs = list(zip(self.entries, cells, strict=True))
        sizes = [len(series) for series, _ in cells]
        labels = {
            "forecaster": [one.forecaster for one in self.entries],
            "kind": [one.kind for one in self.entries],
            "metric": [one.metric[0] for one in self.entries],
        }
        names = {key: np.unique(np.array(found, dtype=object), return_inverse=True) for key, found in labels.items()}
        codes = {key: np.repeat(code, sizes) for key, (_, code) in names.items()}
        names["unique_id"] = np.unique(np.array(self.unique_ids, dtype=object), return_inverse=True)
        codes["unique_id"] = names["unique_id"][1][_joined([series for series, _ in cells], np.int64)]
        numbers = {
            "step": _joined([np.array(one.steps)[step] for one, (_, step) in pairs], np.int64),
            "level": np.repeat(np.array([one.metric[1] for one in self.entries], dtype=np.float64), sizes),
        }
        # Sorted as numbers: in the order of the words, without comparing one of them.
        order = np.lexsort([(codes | numbers)[key] for key in reversed(KEYS)])
        columns = {key: names[key][0][code[order]] for key, code in codes.items()}
        columns |= {key: column[order] for key, column in numbers.items()}
        value = _joined([one.value[cell] for one, cell in pairs], np.float64)
        n = _joined([one.n[cell] for one, cell in pairs], np.int64)
        return pd.DataFrame({key: columns[key] for key in KEYS} | {"value": value[order], "n": n[order]})


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype, copy=False)
