"""Bulk writes of numpy columns: numpy encodes PostgreSQL's binary COPY format, one block of rows at a time.

No Python object is made for a value, so that writing takes as long as the server.
Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from psycopg import sql
from sqlmodel import Session, SQLModel

Bytes = NDArray[np.uint8]
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
BLOCK_BYTES = 4_000_000
LAYOUTS: dict[type[sa.types.TypeEngine[Any]], str] = {
    sa.BigInteger: ">i8",
    sa.SmallInteger: ">i2",
    sa.Integer: ">i4",
    sa.REAL: ">f4",
    sa.Float: ">f8",
    sa.Boolean: "?",
}
ELEMENT_OIDS = {">i2": 21, ">f4": 700, ">f8": 701}
DATE_OID = 1082
"""Types of array elements, from `pg_type.dat`."""
POSTGRES_EPOCH = np.datetime64("2000-01-01", "D")


def copy_arrays(session: Session, table: type[SQLModel], columns: dict[str, ArrayLike]) -> int:
    """Append rows given as columns and return their number. A scalar is a column of that value.

    A column is an array whose first axis is the row: numbers, text, `datetime64`; shape (n, bytes) of uint8
    for BYTEA; (n, k), (n, j, k) ... for a column of arrays of numbers or days, in which NaN becomes a NULL element.
    A row that breaks a constraint raises `psycopg.errors.IntegrityError` and undoes the transaction.
    """
    session.flush()
    target = sa.inspect(table).local_table
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    rows = max((len(values) for values in arrays.values() if values.ndim), default=0)
    if not rows:
        return 0
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(str(target.name)), sql.SQL(", ").join(map(sql.Identifier, arrays))
    )
    connection = session.connection().connection.driver_connection
    assert connection is not None
    types = [target.c[name].type for name in arrays]
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(SIGNATURE)
        for block in _blocks(list(arrays.values()), types, rows):
            copy.write(block)
        copy.write(TRAILER)
    return rows


class _Field(NamedTuple):
    """A column's bytes, shape (n, width), length word first; `kept` says which belong, None for all."""

    data: Bytes
    kept: NDArray[np.bool_] | None = None


def _blocks(arrays: list[NDArray[Any]], types: list[sa.types.TypeEngine[Any]], rows: int) -> Iterator[bytes]:
    width = sum(16 + 2 * values[:1].nbytes if values.ndim else 16 for values in arrays)
    size = max(1, BLOCK_BYTES // width)
    for start in range(0, rows, size):
        count = min(size, rows - start)
        fields = [_Field(_words(np.full(count, len(arrays)), ">i2"))]
        for values, kind in zip(arrays, types, strict=True):
            part = values[start : start + count] if values.ndim else np.repeat(values, count)
            fields.append(_field(part, kind))
        yield _joined(fields)


def _joined(fields: list[_Field]) -> bytes:
    data = np.concatenate([field.data for field in fields], axis=1)
    if all(field.kept is None for field in fields):
        return bytes(data)
    kept = [np.ones(data.shape, bool) if kept is None else kept for data, kept in fields]
    return bytes(data[np.concatenate(kept, axis=1)])


def _field(values: NDArray[Any], kind: sa.types.TypeEngine[Any]) -> _Field:
    if isinstance(kind, sa.ARRAY) and isinstance(kind.item_type, sa.Date):
        return _array(_days(values), ">i4", DATE_OID)
    if isinstance(kind, sa.ARRAY):
        layout = _layout(kind.item_type)
        return _array(values, layout, ELEMENT_OIDS[layout])
    if values.dtype.kind in "UO":
        return _text(values)
    if isinstance(kind, sa.LargeBinary):
        return _fixed(np.ascontiguousarray(values, dtype=np.uint8))
    if isinstance(kind, sa.Date):
        return _fixed(_words(_days(values), ">i4"))
    return _fixed(_words(values, _layout(kind)))


def _days(values: NDArray[Any]) -> NDArray[np.int64]:
    """Days since PostgreSQL's epoch."""
    return (values.astype("datetime64[D]") - POSTGRES_EPOCH).astype(np.int64)


def _layout(kind: sa.types.TypeEngine[Any]) -> str:
    return next(layout for number, layout in LAYOUTS.items() if isinstance(kind, number))


def _words(values: NDArray[Any], layout: str) -> Bytes:
    """Numbers as big-endian bytes, one more axis of their size."""
    words = np.ascontiguousarray(values, dtype=layout)
    return words.view(np.uint8).reshape(*words.shape, words.itemsize)


def _fixed(payload: Bytes) -> _Field:
    lengths = _words(np.full(len(payload), payload.shape[1]), ">i4")
    return _Field(np.concatenate([lengths, payload], axis=1))


def _text(values: NDArray[Any]) -> _Field:
    encoded = np.strings.encode(values.astype(np.str_), "utf-8")
    payload = np.ascontiguousarray(encoded).view(np.uint8).reshape(len(encoded), encoded.itemsize)
    lengths = np.strings.str_len(encoded)
    kept = np.arange(-4, payload.shape[1]) < lengths[:, None]
    return _Field(np.concatenate([_words(lengths, ">i4"), payload], axis=1), kept)


def _array(values: NDArray[Any], layout: str, oid: int) -> _Field:
    """An array: its dimensions, then each element after its length; a NULL is a length of -1 alone."""
    rows, shape = len(values), values.shape[1:]
    elements = values.reshape(rows, -1)
    missing = np.isnan(elements)
    size = np.dtype(layout).itemsize
    lengths = _words(np.where(missing, -1, size), ">i4")
    body = np.concatenate([lengths, _words(elements, layout)], axis=2)
    kept = np.repeat(~missing[:, :, None], 4 + size, axis=2)
    kept[:, :, :4] = True
    head = [len(shape), 1, oid, *(word for length in shape for word in (length, 1))]
    sizes = 4 * len(head) + 4 * elements.shape[1] + size * (~missing).sum(axis=1)
    front = np.column_stack([sizes, np.tile(head, (rows, 1))])
    front_bytes = _words(front, ">i4").reshape(rows, -1)
    return _Field(
        np.concatenate([front_bytes, body.reshape(rows, -1)], axis=1),
        np.concatenate([np.ones(front_bytes.shape, bool), kept.reshape(rows, -1)], axis=1),
    )
