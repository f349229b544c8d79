"""Rows of numbers as 16-bit integers: each row has a grid of 65,535 values from its least to its greatest number.

A row is stored as its number nearest to zero (`centre`) and the `unit` of its grid in single precision, the `origin`,
and an unsigned integer for each number, little-endian. An integer stands for centre + unit s |s|, where s is its
distance from the origin: the values of the grid are densest near zero, so that a few great numbers, as in the draws of
a skewed distribution, do not coarsen the others.

In a row without negative numbers, x is read with an error of at most sqrt((x - least) range) / 65,534 and that of
single precision: 1/65,534 of the range for the greatest number, a tenth of that for one a hundredth of the way up. In
a row with numbers of both signs, the errors are up to sqrt(2) as large. The order of a row's numbers is kept, and so is
the number nearest to zero. A range below 5e-29 is too small for single precision: the row is read as constant.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Single = NDArray[np.float32]
GREATEST = 65_534
MISSING = 65_535


def row_bytes(length: int) -> int:
    """Size of a row of so many numbers."""
    return _row(length).itemsize


def row_length(size: int) -> int:
    """How many numbers a row of so many bytes has."""
    return (size - row_bytes(0)) // 2


def encode(values: Single | FloatArray) -> NDArray[np.uint8]:
    """Rows (..., n) as bytes, (..., `row_bytes(n)`); NaN and infinity are missing."""
    numbers = values.astype(np.float64)
    known = np.isfinite(numbers)
    rows = _grids(numbers, known)
    centre, unit, origin = (rows[name].astype(np.float64)[..., None] for name in ("centre", "unit", "origin"))
    squares = np.zeros(numbers.shape)
    np.divide(numbers - centre, unit, out=squares, where=known & (unit > 0))
    codes = np.rint(np.copysign(np.sqrt(np.abs(squares)), squares)) + origin
    rows["codes"] = np.where(known, np.clip(codes, 0, GREATEST), MISSING)
    return rows[..., None].view(np.uint8)


def _grids(numbers: FloatArray, known: NDArray[np.bool_]) -> NDArray[Any]:
    """Rows with the grids of their known numbers, without codes."""
    some = known.any(axis=-1)
    least = np.where(some, np.min(numbers, axis=-1, initial=np.inf, where=known), 0.0)
    greatest = np.where(some, np.max(numbers, axis=-1, initial=-np.inf, where=known), 0.0)
    centre = np.clip(0.0, least, greatest)
    below, above = np.sqrt(centre - least), np.sqrt(greatest - centre)
    rows = np.zeros(some.shape, dtype=_row(numbers.shape[-1]))
    rows["centre"], rows["unit"] = centre, ((below + above) / GREATEST) ** 2
    share = np.divide(below, below + above, out=np.zeros(some.shape), where=greatest > least)
    rows["origin"] = np.rint(share * GREATEST)
    return rows


def decode(data: bytes, length: int) -> Single:
    """Rows of `length` numbers, (rows, length), with NaN for missing ones."""
    rows = np.frombuffer(data, dtype=_row(length))
    centre, unit, origin = (rows[name].astype(np.float32)[:, None] for name in ("centre", "unit", "origin"))
    values: Single = rows["codes"].astype(np.float32)
    if origin.any():
        values -= origin
        values *= np.abs(values)
    else:
        values *= values
    values *= unit
    values += centre
    values[rows["codes"] == MISSING] = np.nan
    return values


def read(data: bytes, length: int) -> FloatArray:
    """Rows of `length` numbers as `decode` gives them, to seven significant digits, which single precision has."""
    values = decode(data, length).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = 6 - np.floor(np.log10(np.abs(values)))
    places = np.where(np.isfinite(places), places, 0)
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    rounded: FloatArray = np.rint(values * up / down) * down / up
    return rounded


def rounded(values: Single | FloatArray) -> FloatArray:
    """Rows (..., n) as they are read after they were written."""
    return read(encode(values).tobytes(), values.shape[-1]).reshape(values.shape)


@lru_cache
def _row(length: int) -> np.dtype[Any]:
    return np.dtype([("centre", "<f4"), ("unit", "<f4"), ("origin", "<u2"), ("codes", "<u2", (length,))])
