"""Bulk writes by COPY over the session's own connection, so that they belong to its transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import Connection, sql
from sqlmodel import Session, SQLModel

BINARY_TYPES: dict[type[sa.types.TypeEngine[Any]], str] = {
    sa.BigInteger: "int8",
    sa.Integer: "int4",
    sa.Float: "float8",
    sa.Boolean: "bool",
    sa.DateTime: "timestamptz",
    sa.Date: "date",
    sa.LargeBinary: "bytea",
    sa.String: "text",
}


def copy_rows(session: Session, table: type[SQLModel], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Append `rows`, tuples of plain Python values in the order of `columns`; gives how many.

    Pending changes of the session are flushed first, so that foreign keys hold. A row that breaks a
    constraint raises `psycopg.errors.IntegrityError` and undoes the transaction.
    """
    session.flush()
    target = sa.inspect(table).local_table
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(str(target.name)), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    written = 0
    with _driver_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_binary_type(target.c[column].type) for column in columns])
        for row in rows:
            copy.write_row(row)
            written += 1
    return written


def _driver_connection(session: Session) -> Connection[Any]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    return connection


def _binary_type(column_type: sa.types.TypeEngine[Any]) -> str:
    if isinstance(column_type, sa.ARRAY):
        return _binary_type(column_type.item_type) + "[]"
    if isinstance(column_type, sa.JSON):
        return "jsonb"
    return next(name for kind, name in BINARY_TYPES.items() if isinstance(column_type, kind))
