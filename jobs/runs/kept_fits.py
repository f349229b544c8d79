"""Fits kept on disk while a run lasts: a run whose process was killed resumes, and their means take no memory.

A folder for each dataset holds the fits of one run, in a folder named for the fingerprint of all that determines them.
The means are a file that is mapped into memory; a journal beside it has a line for each batch, with a checksum of its
means. They are removed after publication, by a run with another fingerprint, or after some days.
"""

import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from forecasting.evaluation.fit_record import FitRecord, Shape, record_in_memory
from forecasting.evaluation.series_fits import Failure, SeriesFit
from forecasting.large_arrays import in_memory
from forecasting.types import FloatArray, NewArray
from jobs.runs.mapped_arrays import MappedArrays, Segment

log = structlog.get_logger(__name__)
STALE_AFTER = timedelta(days=7)
"""Fits to which none was added for so long are removed by the next run of any dataset."""


class KeptFits(FitRecord):
    """A record in a folder, which begins with the fits that the folder has."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        """Raises OSError if the folder cannot hold the means."""
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(_mapped(folder / "means", shape))
        self._journal = folder / "journal"
        for line in self._journal.read_bytes().splitlines() if self._journal.exists() else ():
            # A line may be empty or incomplete.
            with suppress(ValueError):
                self._restore(json.loads(line))

    def add(self, rows: Sequence[int], fits: Sequence[SeriesFit]) -> None:
        """Add fits and record them. On a full disk they are not recorded, and would be fitted again."""
        super().add(rows, fits)
        entry = {
            "rows": list(rows),
            "checksum": self._checksum(rows),
            "failures": [asdict(failure) for fit in fits for failure in fit.failures],
            "sensitivities": {fit.unique_id: fit.sensitivity.tolist() for fit in fits if fit.sensitivity is not None},
        }
        with suppress(OSError), self._journal.open("ab") as journal:
            # A line before it may be incomplete.
            journal.write(b"\n" + json.dumps(entry).encode())

    def _restore(self, entry: dict[str, Any]) -> None:
        """Read a line of the journal, whose means may have been lost with the machine's power."""
        rows = entry["rows"]
        if self._checksum(rows) != entry["checksum"]:
            return
        self.failures += [Failure(**failure) for failure in entry["failures"]]
        self.sensitivities |= {uid: np.array(values) for uid, values in entry["sensitivities"].items()}
        self._fitted[rows] = True

    def _checksum(self, rows: Sequence[int]) -> int:
        return zlib.crc32(self.means[list(rows)].tobytes())


def _mapped(file: Path, shape: Shape) -> FloatArray:
    """An array in a file, whose space is reserved: a write to a mapped page without any would end the process."""
    size = int(np.prod(shape)) * np.dtype(np.float64).itemsize
    file.touch()
    opened = file.open("r+b")
    os.posix_fallocate(opened.fileno(), 0, size)
    return np.frombuffer(Segment.of(opened, 0, size), np.float64).reshape(shape)


class FitFolder:
    """The folder of a dataset's fits, held by this process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open_record(self, fingerprint: str, shape: Shape) -> FitRecord:
        """The record of the fits with a fingerprint; without space on the disk, one in memory."""
        folder = self._path / fingerprint
        try:
            self._remove(but=folder)
            record = KeptFits(folder, shape)
        except OSError as error:
            log.warning("run.fits_not_kept", folder=str(self._path), reason=str(error))
            return record_in_memory(fingerprint, shape)
        if found := shape[0] - len(record.missing):
            log.info("run.resumed", fitted=found, missing=len(record.missing))
        return record

    def new_arrays(self) -> NewArray:
        """Gives arrays in a file of this folder, which ends with them; in memory where no file can be written."""
        try:
            return MappedArrays(self._path)
        except OSError as error:
            log.warning("run.arrays_in_memory", folder=str(self._path), reason=str(error))
            return in_memory

    def remove(self) -> None:
        """Remove the fits."""
        with suppress(OSError):
            self._remove()

    def _remove(self, but: Path | None = None) -> None:
        for folder in self._path.iterdir():
            if folder != but and folder.is_dir():
                shutil.rmtree(folder)


@contextmanager
def fit_folder(root: Path | None, dataset: str, *, now: datetime) -> Iterator[FitFolder | None]:
    """The folder of a dataset's fits below `root`; None without one, or where it is in use or cannot be written."""
    if root is None:
        yield None
        return
    try:
        _remove_stale(root, now)
        path = root / dataset
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "lock").open("w")
    except OSError as error:
        log.warning("run.fits_not_kept", folder=str(root), reason=str(error))
        yield None
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield FitFolder(path)


def _remove_stale(root: Path, now: datetime) -> None:
    """Remove fits to which none was added for STALE_AFTER."""
    for folder in root.glob("*/*/"):
        with suppress(FileNotFoundError):
            changed = max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
            if now - datetime.fromtimestamp(changed, UTC) > STALE_AFTER:
                shutil.rmtree(folder)
