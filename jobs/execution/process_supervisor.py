"""Process supervisor of `tradewind up`: API and scheduler as child processes, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from types import FrameType

import structlog

from errors import TradewindError

log = structlog.get_logger(__name__)

READY_SECONDS = 300.0
"""The limit is long because a loaded machine starts slowly; a child that has ended is noticed at once."""
STOP_SECONDS, POLL_SECONDS, RESTART_SECONDS = 30.0, 0.2, 5.0
AGAIN_SECONDS = 0.5
ANSWER_SECONDS = 5.0


class AddressTaken(TradewindError, OSError):
    """The address is in use or invalid."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host, self.port = host, port
        super().__init__(f"cannot listen on {host}:{port}: {reason} (choose another with --port)")


class ChildEnded(TradewindError, RuntimeError):
    """A child process that should keep running has ended."""

    def __init__(self, name: str, code: int) -> None:
        self.name, self.code = name, code
        super().__init__(f"the {name} process ended with code {code}")


class Stopped(Exception):
    """Stop request: Ctrl-C, SIGTERM, or a closed terminal."""


def free_port(host: str, port: int) -> int:
    """`port`, or a free one if it is 0.

    Raises:
        AddressTaken: the address is in use or invalid.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTaken(host, port, error.strerror or str(error)) from error
        return int(probe.getsockname()[1])


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise Stopped on the first Ctrl-C, SIGTERM or closed terminal inside the block; later ones are ignored.

    Under `nohup` the terminal may be closed.
    Python discards exceptions in callbacks of weak references, for example, so that Stopped is raised until it
    propagates. Errors that it causes count as a stop too.
    """
    stops = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        stops.append(signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in stops:
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        if not _comes_of_a_stop(sys.exception()):
            raise Stopped

    before = {number: signal.signal(number, stop) for number in (*stops, signal.SIGALRM)}
    try:
        yield
    except Exception as error:
        if isinstance(error, Stopped) or not _comes_of_a_stop(error):
            raise
        raise Stopped from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _comes_of_a_stop(error: BaseException | None) -> bool:
    """Whether an exception is Stopped, or was raised while Stopped propagated."""
    while error is not None and not isinstance(error, Stopped):
        error = error.__cause__ or error.__context__
    return error is not None


@dataclass(frozen=True)
class Children:
    """Child processes by name, each running `tradewind` with its arguments and the extra `environment`.

    Those in `restarted` are started again when they end.
    """

    commands: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]
    restarted: Collection[str] = ()
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restart_at: dict[str, float] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a child, again if it has ended; it stops when this process ends (`stop_with_parent`)."""
        # A separate session: Ctrl-C in the terminal reaches the supervisor only, which stops the others in order.
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "cli", *self.commands[name], "--ends-with", str(os.getpid())],
            env={**os.environ, **self.environment},
            start_new_session=True,
        )

    def ended(self) -> dict[str, int]:
        """Exit codes of the children that have ended."""
        codes = {name: process.poll() for name, process in self.processes.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def look(self) -> None:
        """Start a child in `restarted` again some seconds after its end. Raises ChildEnded where another has ended."""
        for name, code in self.ended().items():
            if name not in self.restarted:
                raise ChildEnded(name, code)
            if name not in self.restart_at:
                log.error("supervisor.child_ended", child=name, code=code, restart_in_seconds=RESTART_SECONDS)
                self.restart_at[name] = time.monotonic() + RESTART_SECONDS
            elif time.monotonic() >= self.restart_at[name]:
                del self.restart_at[name]
                self.start(name)


@contextmanager
def children(
    commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], *, restarted: Collection[str] = ()
) -> Iterator[Children]:
    """Started children; all are stopped at the end of the block."""
    started = Children(commands, environment, restarted)
    try:
        for name in commands:
            started.start(name)
        yield started
    finally:
        for process in started.processes.values():
            process.terminate()
        _wait_for_all(started.processes)


def stop_with_parent(parent: int) -> None:
    """Stop this process, as SIGTERM does, when its parent process has ended: after `kill -9` no signal arrives."""

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def wait_until_answering(url: str, started: Children) -> None:
    """Wait until `url`, which is one of this machine, answers 200.

    Raises:
        ChildEnded: a process that is not restarted ended first; TimeoutError: no answer within READY_SECONDS.
    """
    # A proxy of the environment does not know addresses of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        started.look()
        try:
            with opener.open(url, timeout=ANSWER_SECONDS):
                return
        except (OSError, HTTPException):
            time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{url} did not answer within {READY_SECONDS:g} s")


def watch(started: Children, *, on_poll: Callable[[], None] = lambda: None) -> None:
    """Wait until a child that is not restarted ends, which raises ChildEnded. `on_poll` is called after each look."""
    while True:
        started.look()
        on_poll()
        time.sleep(POLL_SECONDS)


def _wait_for_all(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
