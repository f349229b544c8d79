"""Large arrays of a run in a file that is mapped into memory: the system can take their memory back."""

import math
import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import DTypeLike, NDArray

log = structlog.get_logger(__name__)
FIRST_BYTES = 1_048_576
"""Size of the first segment of the file; the file doubles whenever it is full."""
ALIGNMENT = 64


class MappedArrays:
    """Gives arrays in a file without a name, which ends with the last of them, also where the process is killed.

    Space is reserved, because a write to a mapped page of a full disk ends the process; without any, arrays are in
    memory. The space of an array is not used again.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the folder cannot be written."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the object
        self._segment: mmap.mmap | bytearray = bytearray()
        self._used = self._reserved = 0

    def __call__(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array whose values are not set."""
        count, kind = math.prod(shape), np.dtype(dtype)
        size = count * kind.itemsize
        if self._used + size > len(self._segment):
            try:
                self._extend(size)
            except OSError as error:
                log.warning("run.arrays_in_memory", megabytes=round(size / 1e6), reason=str(error))
                return np.empty(shape, kind)
        found = np.frombuffer(self._segment, kind, count, self._used).reshape(shape)
        self._used += -(-size // ALIGNMENT) * ALIGNMENT
        return found

    def _extend(self, size: int) -> None:
        """A new segment of at least so many bytes."""
        pages = -(-max(size, self._reserved, FIRST_BYTES) // mmap.ALLOCATIONGRANULARITY)
        length = pages * mmap.ALLOCATIONGRANULARITY
        os.posix_fallocate(self._file.fileno(), self._reserved, length)
        self._segment = mmap.mmap(self._file.fileno(), length, offset=self._reserved)
        self._used, self._reserved = 0, self._reserved + length
