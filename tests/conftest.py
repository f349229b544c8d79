"""A real PostgreSQL, migrated once; each test in a transaction that is never committed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlmodel import Session

from store import embedded
from store.database import make_engine, migrate

TEMPLATE = "migrated"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def new_database(server_url: str, name: str, *, template: str = "template0") -> str:
    """The URL of a fresh database on the server."""
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    server.dispose()
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """An embedded server for this test process, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="tw-", ignore_cleanup_errors=True) as directory,
        embedded.start(Path(directory), durable=False) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    """A migrated database, for tests that undo what they write."""
    url = new_database(server_url, TEMPLATE)
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """The engine of the shared database: nothing committed here may outlive a test."""
    engine = make_engine(database_url, pool_size=5)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints, all undone after the test."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()
