"""The engine, and bringing the tables up to date."""

import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import Connection, Cursor
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel import Session

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
CONNECT_SECONDS = 5
REST_SECONDS = 1.0
AUTOCOMMIT = "AUTOCOMMIT"
"""The isolation level of an engine whose sessions have no transactions."""


def normal_url(url: str | URL) -> URL:
    """The URL with the driver we use; `postgres://` and `postgresql://` are what operators have at hand."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1) if isinstance(url, str) else url)
    return parsed.set(drivername="postgresql+psycopg")


def make_engine(url: str | URL, *, pool_size: int = 5) -> Engine:
    """An engine whose connections speak UTC, are checked before use after a rest, and number `pool_size` at most.

    Nothing connects yet. A server that is away raises `sqlalchemy.exc.OperationalError` within seconds.
    """
    engine = sa.create_engine(
        normal_url(url),
        pool_size=pool_size,
        max_overflow=0,
        # The connection that answered last: its server process has the plans at hand, and the cache warm.
        pool_use_lifo=True,
        pool_timeout=CONNECT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "tradewind",
            "options": "-c timezone=UTC",
        },
    )
    sa.event.listen(engine, "checkin", _note_use)
    sa.event.listen(engine, "checkout", _check_after_rest)
    return engine


def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _check_after_rest(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Like `pool_pre_ping`, but not for a connection that has just answered: a question of its own for each request."""
    if time.monotonic() - record.info.get("used", math.inf) < REST_SECONDS:
        return
    try:
        connection.execute("")
        connection.rollback()
    except psycopg.OperationalError as error:
        # The others are older still.
        raise sa.exc.InvalidatePoolError from error


@contextmanager
def binary_cursor(session: Session) -> Iterator[Cursor[Any]]:
    """The driver's own cursor on a session's connection: what every request asks costs half as much of it.

    Its results are binary: as text, a draw would travel as eight hexadecimal digits. Where the session has no
    transactions a connection is borrowed for the block alone, past SQLAlchemy's, which takes longer to begin and to
    end than a small query.
    """
    engine = session.bind
    if not isinstance(engine, Engine) or engine.get_execution_options().get("isolation_level") != AUTOCOMMIT:
        with _driver(session.connection().connection).cursor(binary=True) as cursor:
            yield cursor
        return
    with closing(engine.raw_connection()) as borrowed:
        connection = _driver(borrowed)
        connection.autocommit = True
        try:
            with connection.cursor(binary=True) as cursor:
                yield cursor
        finally:
            # A connection lost meanwhile cannot be changed; the pool finds that out.
            if not connection.closed:
                connection.autocommit = False


def _driver(connection: PoolProxiedConnection) -> "Connection[Any]":
    driver = connection.driver_connection
    assert isinstance(driver, Connection)
    return driver


def alembic_config() -> Config:
    """Alembic's configuration, independent of the current directory."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def migrate(engine: Engine, *, revision: str = "head") -> None:
    """Bring the tables to `revision` in one transaction; two processes may call it at once."""
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
