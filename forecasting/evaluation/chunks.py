"""Chunks of series that bound the memory of intermediate results."""

from collections.abc import Iterator

BLOCK_VALUES = 5_000_000
"""Values in a chunk: about 300 MB with all intermediate results."""


def series_blocks(series: int, values_each: int) -> Iterator[slice]:
    """Slices of `series` in order, each of at most BLOCK_VALUES values or of one series."""
    size = max(1, BLOCK_VALUES // max(values_each, 1))
    for start in range(0, series, size):
        yield slice(start, min(start + size, series))
