"""Rows of numbers on grids as migrations store and read them: the format of `store/grids.py` when they were written."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

GREATEST = 65_534
MISSING = 65_535
HEADER_BYTES = 10
ROWS_AT_ONCE = 200


def encoded(values: Any) -> bytes:
    """An array, NaN or None for missing numbers, with its last axis as rows."""
    numbers = np.array(values, dtype=np.float64)
    known = np.isfinite(numbers)
    some = known.any(axis=-1)
    least = np.where(some, np.min(numbers, axis=-1, initial=np.inf, where=known), 0.0)
    greatest = np.where(some, np.max(numbers, axis=-1, initial=-np.inf, where=known), 0.0)
    centre = np.clip(0.0, least, greatest)
    below, above = np.sqrt(centre - least), np.sqrt(greatest - centre)
    rows = np.zeros(some.shape, dtype=_row(numbers.shape[-1]))
    rows["centre"], rows["unit"] = centre, ((below + above) / GREATEST) ** 2
    share = np.divide(below, below + above, out=np.zeros(some.shape), where=greatest > least)
    rows["origin"] = np.rint(share * GREATEST)
    start, unit, origin = (rows[name].astype(np.float64)[..., None] for name in ("centre", "unit", "origin"))
    squares = np.zeros(numbers.shape)
    np.divide(numbers - start, unit, out=squares, where=known & (unit > 0))
    codes = np.rint(np.copysign(np.sqrt(np.abs(squares)), squares)) + origin
    rows["codes"] = np.where(known, np.clip(codes, 0, GREATEST), MISSING)
    return rows.tobytes()


def decoded(data: bytes, length: int) -> NDArray[np.float32]:
    """Rows of `length` numbers, NaN for missing ones."""
    rows = np.frombuffer(data, dtype=_row(length))
    distance = rows["codes"].astype(np.float32) - rows["origin"][:, None]
    values: NDArray[np.float32] = distance * np.abs(distance) * rows["unit"][:, None] + rows["centre"][:, None]
    values[rows["codes"] == MISSING] = np.nan
    return values


def row_length(size: int) -> int:
    """How many numbers a row of so many bytes has."""
    return (size - HEADER_BYTES) // 2


def listed(values: NDArray[Any]) -> Any:
    """An array as nested lists, with None for NaN."""
    found = values.astype(object)
    found[np.isnan(values)] = None
    return found.tolist()


def streamed(connection: sa.Connection, query: str) -> Iterator[Any]:
    """Rows of a query, some of them in memory."""
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    yield from connection.execute(sa.text(query), execution_options=options)


def insert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    """Append rows, some at once."""
    left = iter(rows)
    while some := list(islice(left, ROWS_AT_ONCE)):
        connection.execute(sa.insert(table), some)


def _row(length: int) -> np.dtype[Any]:
    return np.dtype([("centre", "<f4"), ("unit", "<f4"), ("origin", "<u2"), ("codes", "<u2", (length,))])
