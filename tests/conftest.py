"""A real PostgreSQL, migrated once; each test in a transaction that is never committed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.ingest import ingest_bundled
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate

ROOMS = ("unit", "integration", "e2e", "architecture")
NUMBERS = count()
HERE = Path(__file__).resolve().parent
BUNDLED_ON = date(2026, 8, 21)
MEMORY, ROOM = Path("/dev/shm"), 4_000_000_000
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


# Processes that tests start compile each module once, whatever the environment says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A deadline would time the machine, not the code. Examples derive from each test, so that a run repeats, and are few:
# the unit tests are quick. HYPOTHESIS_PROFILE=thorough draws more.
settings.register_profile("tradewind", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tradewind"))


@pytest.fixture(scope="session", autouse=True)
def passable_temporary_directories(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the embedded server, which does not run as root, reach temporary directories that root made for tests."""
    if os.geteuid() == 0:
        base = tmp_path_factory.getbasetemp()
        for directory in (base, *base.parents):
            if directory.name.startswith(("pytest-", "popen-")):
                directory.chmod(directory.stat().st_mode | 0o011)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the room it is in (`pytest -m integration`), the longest first: none is left for the end."""
    for item in items:
        room = item.path.relative_to(HERE).parts[0]
        if room in ROOMS:
            item.add_marker(room)
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


def new_database(server_url: str, name: str, *, template: str = "template0") -> str:
    """The URL of a fresh database on the server.

    A number follows the name: a module's tests may be run in parts, and its fixtures then are made again.
    """
    name = f"{name[:50]}_{next(NUMBERS)}"
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    server.dispose()
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Remove a database: its pages then need not be written to the disk."""
    parsed = sa.make_url(url)
    server = sa.create_engine(parsed.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{parsed.database}" WITH (FORCE)'))
    server.dispose()


@contextmanager
def database_copy(server_url: str, name: str, template: str) -> Iterator[str]:
    """The URL of a copy of a database, dropped after the block."""
    url = new_database(server_url, name, template=template)
    yield url
    drop_database(url)


def memory_directory() -> Path | None:
    """The file system in memory, where there is one with room for the databases of a test process."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return None


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """An embedded server for this test process, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="tw-", dir=memory_directory(), ignore_cleanup_errors=True) as directory,
        embedded_postgres.start(Path(directory), durable=False) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database that nobody connects to, to be copied."""
    engine = make_engine(new_database(server_url, "migrated"))
    migrate(engine)
    engine.dispose()
    return str(engine.url.database)


@pytest.fixture(scope="session")
def database_url(server_url: str, template: str) -> str:
    """A migrated database without datasets, for tests that undo their writes."""
    return new_database(server_url, "shared", template=template)


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """The engine of the shared database: nothing committed here may outlive a test."""
    engine = make_engine(database_url, pool_size=5)
    yield engine
    engine.dispose()


@pytest.fixture
def own_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database of a test's own, for work that commits."""
    with database_copy(server_url, "own", template) as url:
        yield url


@pytest.fixture
def own_engine(own_url: str) -> Iterator[Engine]:
    """The engine of a test's own database."""
    engine = make_engine(own_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints, all undone after the test."""
    yield from undone(engine)


@pytest.fixture(scope="session")
def bundled_engine(server_url: str, template: str) -> Iterator[Engine]:
    """The engine of a database that holds both bundled datasets: nothing committed here may outlive a test."""
    engine = make_engine(new_database(server_url, "bundled", template=template), pool_size=5)
    with Session(engine) as session:
        ingest_bundled(session, today=BUNDLED_ON)
        session.commit()
    yield engine
    engine.dispose()


@pytest.fixture
def bundled(bundled_engine: Engine) -> Iterator[Session]:
    """A session with both bundled datasets, whose commits are savepoints, all undone after the test."""
    yield from undone(bundled_engine)


def undone(engine: Engine) -> Iterator[Session]:
    """A session in a transaction that is never committed."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()
