"""The engine and its connections."""

import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import Connection, Cursor
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel import Session

from cancellation import check_cancelled

CONNECT_SECONDS = 5
REST_SECONDS = 1.0
TCP_TIMEOUTS = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""Keepalive: a TCP connection to an unreachable host ends within a minute; no effect on Unix sockets."""


def normal_url(url: str | URL) -> URL:
    """The URL with the driver we use; `postgres://` and `postgresql://` are what operators have at hand."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1) if isinstance(url, str) else url)
    return parsed.set(drivername="postgresql+psycopg")


def is_disk_full(error: BaseException) -> bool:
    """Whether the server refused a statement because its disk is full (SQLSTATE 53100)."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) == "53100"


def make_engine(
    url: str | URL, *, pool_size: int = 5, autocommit: bool = False, statement_seconds: float = 0.0
) -> Engine:
    """An engine whose connections speak UTC, are checked before use after a rest, and number `pool_size` at most.

    With `autocommit` its sessions have no transactions, nor the two round trips of one: reading published runs, which
    never change, needs none. Writers use `with_transactions`. Nothing connects yet. An unavailable server raises
    `sqlalchemy.exc.OperationalError` within seconds. A statement that takes longer than `statement_seconds` is ended
    by the server with that error; 0 sets no limit. Cancelled work ends at its next statement.
    """
    engine = sa.create_engine(
        normal_url(url),
        # Without a transaction there is nothing to roll back when a connection is returned.
        **({"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None} if autocommit else {}),
        pool_size=pool_size,
        max_overflow=0,
        # Last in, first out: the server process of the last connection has its plans and caches ready.
        pool_use_lifo=True,
        pool_timeout=CONNECT_SECONDS,
        # Parameters may be secrets or uploads and must not appear in errors and logs.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "tradewind",
            "options": f"-c timezone=UTC -c statement_timeout={round(1000 * statement_seconds)}",
            **TCP_TIMEOUTS,
        },
    )
    sa.event.listen(engine, "checkout", _check_after_rest)
    sa.event.listen(engine, "before_cursor_execute", lambda *_: check_cancelled())
    return engine


def with_transactions(engine: Engine) -> Engine:
    """The engine of the same connections whose sessions have transactions."""
    return engine.execution_options(isolation_level="READ COMMITTED")


def _check_after_rest(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Like `pool_pre_ping`, but not for a connection just borrowed: that would be a question of its own a request."""
    now = time.monotonic()
    rested, record.info["used"] = now - record.info.get("used", -math.inf), now
    if rested < REST_SECONDS:
        return
    try:
        connection.execute("")
        connection.rollback()
    except psycopg.OperationalError as error:
        # The others are older still.
        raise sa.exc.InvalidatePoolError from error


@contextmanager
def binary_cursor(session: Session) -> Iterator[Cursor[Any]]:
    """The driver's cursor on a session's connection: it takes half the time of SQLAlchemy's.

    Results are binary: as text, a draw would be eight hexadecimal digits. A session without a transaction borrows a
    connection for the block, without SQLAlchemy's session, whose begin and end take longer than a small query. A
    session with a transaction uses its own connection, so that no request waits for a second one.
    """
    check_cancelled()
    engine = session.bind
    if session.in_transaction() or not isinstance(engine, Engine):
        with _driver(session.connection().connection).cursor(binary=True) as cursor:
            yield cursor
        return
    with closing(engine.raw_connection()) as borrowed, _driver(borrowed).cursor(binary=True) as cursor:
        yield cursor


def _driver(connection: PoolProxiedConnection) -> "Connection[Any]":
    driver = connection.driver_connection
    assert isinstance(driver, Connection)
    return driver
