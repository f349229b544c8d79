"""Scores as running sums: each fold is scored and discarded, so that memory does not grow with the number of folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.large_arrays import in_memory, moved
from forecasting.types import FloatArray, NewArray

Metric = tuple[str, float]
"""A metric's name, and the level of its interval, 0 for metrics without one."""
KEYS = ("unique_id", "forecaster", "step", "kind", "metric", "level")


@dataclass(frozen=True)
class ScoreArray:
    """A metric of one forecaster for one kind of period, by series and step.

    `value` and `n`, the number of forecasts scored, have shape (series, steps); n is 0 where there is no score.
    """

    forecaster: str
    kind: str
    metric: Metric
    steps: tuple[int, ...]
    value: FloatArray
    n: NDArray[np.int32]

    def from_step_0(self) -> tuple[FloatArray, NDArray[np.int32]]:
        """`value` and `n` with columns from step 0 on, without a score at the steps that it lacks."""
        before = ((0, 0), (self.steps[0], 0))
        return np.pad(self.value, before), np.pad(self.n, before)

    def moved(self, new_array: NewArray) -> "ScoreArray":
        """The scores in arrays from `new_array`."""
        return replace(self, value=moved(self.value, new_array), n=moved(self.n, new_array))


class ScoreAccumulator:
    """Sums over folds of one forecaster's scores, by series and step."""

    def __init__(self, series: int, horizon: int, new_array: NewArray = in_memory) -> None:
        """Sums are in arrays from `new_array`."""
        self._shape, self._new_array = (series, horizon), new_array
        self._sums: dict[Metric, tuple[FloatArray, NDArray[np.int32]]] = {}

    def add(self, scores: Mapping[Metric, FloatArray], *, steps: Sequence[int] | None = None) -> None:
        """Add a fold's scores, each (series, steps) and NaN where unknown; `steps` count from 1, by default all."""
        columns = slice(None) if steps is None else np.asarray(steps) - 1
        for metric, values in scores.items():
            known = np.isfinite(values)
            if not known.any():
                continue
            if metric not in self._sums:
                self._sums[metric] = self._new_array(self._shape, np.float64), self._new_array(self._shape, np.int32)
                for zero in self._sums[metric]:
                    zero[...] = 0
            sums, counts = self._sums[metric]
            sums[:, columns] += np.where(known, values, 0.0)
            counts[:, columns] += known

    def scored(self, forecaster: str, kind: str) -> list[ScoreArray]:
        """The means by series and step; step 0 is the mean over all steps."""
        steps = tuple(range(self._shape[1] + 1))
        found = []
        for metric, (sums, counts) in self._sums.items():
            total = np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)
            n = np.concatenate([counts.sum(axis=1, keepdims=True, dtype=np.int32), counts], axis=1)
            value = np.divide(total, n, out=total, where=n > 0)
            # RMSSE is the root of a mean square.
            value = np.sqrt(value, out=value) if metric[0] == "rmsse" else value
            found.append(ScoreArray(forecaster, kind, metric, steps, value, n).moved(self._new_array))
        return found


@dataclass(frozen=True)
class ScoreTable:
    """Every score of a backtest as arrays; a data frame takes ten times the memory."""

    unique_ids: tuple[str, ...]
    entries: tuple[ScoreArray, ...]

    def of(self, rows: slice) -> "ScoreTable":
        """The scores of some of the series."""
        parts = (replace(entry, value=entry.value[rows], n=entry.n[rows]) for entry in self.entries)
        return ScoreTable(self.unique_ids[rows], tuple(parts))

    def frame(self) -> pd.DataFrame:
        """Rows unique_id, forecaster, step, kind, metric, level, value, n, sorted by all but the last two."""
        cells = [np.nonzero(entry.n) for entry in self.entries]
        pairs = list(zip(self.entries, cells, strict=True))
        sizes = [len(series) for series, _ in cells]
        labels = {
            "forecaster": [entry.forecaster for entry in self.entries],
            "kind": [entry.kind for entry in self.entries],
            "metric": [entry.metric[0] for entry in self.entries],
        }
        names = {key: np.unique(np.array(found, dtype=object), return_inverse=True) for key, found in labels.items()}
        codes = {key: np.repeat(code, sizes) for key, (_, code) in names.items()}
        names["unique_id"] = np.unique(np.array(self.unique_ids, dtype=object), return_inverse=True)
        codes["unique_id"] = names["unique_id"][1][_joined([series for series, _ in cells], np.int64)]
        numbers = {
            "step": _joined([np.array(entry.steps)[step] for entry, (_, step) in pairs], np.int64),
            "level": np.repeat(np.array([entry.metric[1] for entry in self.entries], dtype=np.float64), sizes),
        }
        # The codes sort like the labels, and integers sort faster than text.
        order = np.lexsort([(codes | numbers)[key] for key in reversed(KEYS)])
        columns = {key: names[key][0][code[order]] for key, code in codes.items()}
        columns |= {key: column[order] for key, column in numbers.items()}
        value = _joined([entry.value[cell] for entry, cell in pairs], np.float64)
        n = _joined([entry.n[cell] for entry, cell in pairs], np.int64)
        return pd.DataFrame({key: columns[key] for key in KEYS} | {"value": value[order], "n": n[order]})


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype, copy=False)
