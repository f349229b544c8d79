"""Large arrays of a run in a file that is mapped into memory: the system can take their memory back.

Workers of this machine map the same file: a task that holds such an array, or a view of one, is sent its place in the
file instead of its values. Other executors send the values.
"""

import math
import mmap
import os
import tempfile
import weakref
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import IO, Any

import numpy as np
import structlog
from numpy.lib.array_utils import byte_bounds
from numpy.typing import DTypeLike, NDArray

log = structlog.get_logger(__name__)
FIRST_BYTES = 1_048_576
"""Size of the first segment of the file; the file doubles whenever it is full."""
ALIGNMENT = 64
SMALLEST_SHARED = 65_536
"""Bytes of the smallest array that is sent as a place."""
OPEN_FILES = Path("/proc/self/fd")
"""Where another process finds a file without a name; without this folder arrays are sent whole."""
_SEGMENTS: list["weakref.ref[Segment]"] = []


class Segment(mmap.mmap):
    """A part of an open file, mapped into memory; the file stays open as long as the segment."""

    file: IO[bytes]
    offset: int

    @classmethod
    def of(cls, file: IO[bytes], offset: int, length: int) -> "Segment":
        """The segment of a file; the offset is a multiple of `mmap.ALLOCATIONGRANULARITY`."""
        segment = cls(file.fileno(), length, offset=offset)
        segment.file, segment.offset = file, offset
        _SEGMENTS[:] = [known for known in _SEGMENTS if known() is not None]
        _SEGMENTS.append(weakref.ref(segment))
        # The pickler of process pools; that of a cluster is another one.
        ForkingPickler.register(np.ndarray, _reduced)
        return segment

    def place_of(self, array: NDArray[Any]) -> int | None:
        """The place of the first byte of an array in the file; None where it is not in this segment."""
        start, _ = byte_bounds(np.frombuffer(self, np.uint8))
        low, high = byte_bounds(array)
        inside = start <= low and high <= start + len(self)
        return self.offset + low - start if inside else None


class MappedArrays:
    """Gives arrays in a file without a name, which ends with the last of them, also where the process is killed.

    Space is reserved, because a write to a mapped page of a full disk ends the process; without any, arrays are in
    memory. The space of an array is not used again.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the folder cannot be written."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the object
        self._segment: Segment | bytearray = bytearray()
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
        self._segment = Segment.of(self._file, self._reserved, length)
        self._used, self._reserved = 0, self._reserved + length


def _reduced(array: NDArray[Any]) -> Any:
    """An array as it is sent to a worker."""
    if array.nbytes >= SMALLEST_SHARED and OPEN_FILES.exists():
        for segment in filter(None, [known() for known in list(_SEGMENTS)]):
            place = segment.place_of(array)
            if place is not None:
                file = f"/proc/{os.getpid()}/fd/{segment.file.fileno()}"
                low, high = byte_bounds(array)
                first = array.__array_interface__["data"][0] - low
                return _mapped, (file, place, high - low, first, array.dtype.str, array.shape, array.strides)
    return array.__reduce__()


def _mapped(
    file: str, place: int, size: int, first: int, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...]
) -> NDArray[Any]:
    """An array in the file of another process, which cannot be written to.

    `first` is the distance of its first value from the place of its bytes in the file.
    """
    before = place % mmap.ALLOCATIONGRANULARITY
    with open(file, "rb") as opened:  # noqa: PTH123
        segment = mmap.mmap(opened.fileno(), before + size, offset=place - before, access=mmap.ACCESS_READ)
    return np.ndarray(shape, dtype, segment, before + first, strides)
