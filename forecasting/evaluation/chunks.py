"""Chunks of series that bound the memory of intermediate results."""

from collections.abc import Iterator

from forecasting.types import FloatArray

BLOCK_VALUES = 5_000_000
"""Values in a chunk: about 300 MB with all intermediate results."""
ERROR_BLOCK_VALUES = 500_000
"""Errors of folds in a chunk: some 350 series. Panels with fewer are one chunk."""


def error_blocks(errors: FloatArray) -> Iterator[slice]:
    """Slices of the series of `errors` (series, ...) in order, in chunks of ERROR_BLOCK_VALUES."""
    return series_blocks(len(errors), errors[:1].size, ERROR_BLOCK_VALUES)


def series_blocks(series: int, values_each: int, values: int = BLOCK_VALUES) -> Iterator[slice]:
    """Slices of `series` in order, each of at most so many `values` or of one series."""
    size = max(1, values // max(values_each, 1))
    for start in range(0, series, size):
        yield slice(start, min(start + size, series))
