"""Series a block at a time: what is computed on the way takes the same memory for a thousand as for ten thousand."""

from collections.abc import Iterator

BLOCK_VALUES = 5_000_000
"""Values worked on at once: some 300 MB with everything made of them."""


def series_blocks(series: int, values_each: int) -> Iterator[slice]:
    """Slices of `series` in order, each of BLOCK_VALUES values at most or of one series."""
    size = max(1, BLOCK_VALUES // max(values_each, 1))
    for start in range(0, series, size):
        yield slice(start, min(start + size, series))
