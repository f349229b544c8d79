"""The fits of a panel's series as they come in, in any order."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from forecasting.code_version import code_version
from forecasting.evaluation.series_fits import Failure, SeriesFit, SeriesTask
from forecasting.types import FloatArray

Shape = tuple[int, int, int, int]


class FitRecord:
    """Means of shape (series, forecasters, cutoffs, horizon), failures, and sensitivities by unique_id.

    A subclass may keep them beyond the process, and begin with the fits of an earlier one.
    """

    def __init__(self, means: FloatArray) -> None:
        """`means` is the array to fill."""
        self.means = means
        self.failures = list[Failure]()
        self.sensitivities = dict[str, FloatArray]()
        self._fitted = np.zeros(len(means), dtype=bool)

    @property
    def missing(self) -> list[int]:
        """The rows of the series that are not fitted yet."""
        return np.flatnonzero(~self._fitted).tolist()

    def add(self, rows: Sequence[int], fits: Sequence[SeriesFit]) -> None:
        """Add the fits of the series in these rows."""
        for row, fit in zip(rows, fits, strict=True):
            self.means[row] = fit.means
            self.failures.extend(fit.failures)
            if fit.sensitivity is not None:
                self.sensitivities[fit.unique_id] = fit.sensitivity
        self._fitted[list(rows)] = True


OpenRecord = Callable[[str, Shape], FitRecord]
"""Gives the record of the fits that have a fingerprint, with means of a shape."""


def record_in_memory(_fingerprint: str, shape: Shape) -> FitRecord:
    """A record that ends with the process."""
    return FitRecord(np.full(shape, np.nan))


def fingerprint(tasks: Iterable[SeriesTask]) -> str:
    """SHA-256 of all that determines the fits of these series, the code among it."""
    digest = hashlib.sha256(code_version().encode())
    for task in tasks:
        for part in _parts(task):
            digest.update(part)
    return digest.hexdigest()


def _parts(task: SeriesTask) -> Iterator[bytes]:
    settings = (task.reporter, [int(cutoff) for cutoff in task.cutoffs], task.horizon, task.forecasters, task.prophet)
    yield repr((task.unique_id, str(task.start), *settings)).encode()
    yield from _arrays({0: task.y})
    yield from _arrays(task.vintage_values)
    yield from _arrays(task.regressors)


def _arrays(arrays: Mapping[int, FloatArray]) -> Iterator[bytes]:
    """Each array with its key and shape, in the order of the keys, after their number."""
    yield repr(len(arrays)).encode()
    for key in sorted(arrays):
        yield repr((int(key), arrays[key].shape)).encode()
        yield np.ascontiguousarray(arrays[key]).tobytes()
