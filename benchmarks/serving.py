"""The API beside a bare handler running the same SQL, in turn, over the same database."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psutil

from benchmarks.load import Load, load

PLAIN = "/v1/datasets/CN_CLEANTECH/forecasts?flow=X&partner=USA&sector=EV"
FROM_PATHS = {"growth of a year": "&frequency=A&units=pc1", "another level": "&level=70"}
WHOLE = "/v1/datasets/CN_CLEANTECH/forecasts?format=csv&limit=1000"
CONNECTIONS, ROUNDS = 8, 9


def measure_serving(url: str, *, seconds: float) -> list[tuple[str, str, str]]:
    """Rows of what was measured, the figure and the target."""
    with _serving(url) as (ours, bare, process):
        tag = f"If-None-Match: {_tag(ours)}\r\n"
        pairs = [
            (_ask(ours, seconds=seconds, connections=count), _ask(bare, seconds=seconds, connections=count))
            for count in (1, CONNECTIONS)
            for _ in range(ROUNDS)
        ]
        alone, many = pairs[:ROUNDS], pairs[ROUNDS:]
        rows = [
            _pair(f"throughput, {CONNECTIONS} connections, over bare", many, "rate", "/s", ">= 0.6"),
            _pair("median latency, 1 connection, over bare", alone, "median", "ms", "<= 1.6"),
            _pair(f"median latency, {CONNECTIONS} connections, over bare", many, "median", "ms", "<= 1.6"),
        ]
        known = median(_ask(ours, headers=tag, status=304, seconds=seconds).median for _ in range(ROUNDS))
        rows.append(("304 for a client that is up to date, median", f"{known:.2f} ms", "< 2 ms"))
        for name, more in FROM_PATHS.items():
            each = [(_ask(ours, PLAIN + more, seconds=seconds), _ask(ours, seconds=seconds)) for _ in range(ROUNDS)]
            rows.append(_pair(f"{name} off the paths, over a plain forecast", each, "median", "ms", "<= 2"))
        return [*rows, _streamed(ours, process)]


def _pair(name: str, pairs: list[tuple[Load, Load]], field: str, unit: str, target: str) -> tuple[str, str, str]:
    """The median of the ratios of rounds measured in turn."""
    both = [(getattr(one, field), getattr(other, field)) for one, other in pairs]
    ratio = median(one / other for one, other in both)
    mine, theirs = (median(side) for side in zip(*both, strict=True))
    return name, f"{ratio:.2f} ({mine:.1f} and {theirs:.1f} {unit})", target


def _streamed(port: int, process: psutil.Process) -> tuple[str, str, str]:
    """Memory that a whole dataset as CSV adds to the service, the second time it is asked for."""
    size = _ask(port, WHOLE, seconds=0.1).size
    before = process.memory_info().rss
    _ask(port, WHOLE, seconds=2.0)
    grown = max(process.memory_info().rss - before, 0) / 1e6
    return "memory added by a whole dataset as CSV", f"{grown:.1f} MB for {size / 1e6:.1f} MB sent", "constant"


def _ask(
    port: int, path: str = PLAIN, *, seconds: float, connections: int = 1, headers: str = "", status: int = 200
) -> Load:
    return load(port, path, connections=connections, seconds=seconds, headers=headers, status=status)


def _tag(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{PLAIN}") as answer:
        return str(answer.headers["ETag"])


@contextmanager
def _serving(url: str) -> Iterator[tuple[int, int, psutil.Process]]:
    """Ports of the API and of the bare peer, each a process, and the API's process."""
    plain = url.replace("postgresql+psycopg", "postgresql")
    ours, bare = _free_port(), _free_port()
    environment = {**os.environ, "TRADEWIND_DATABASE_URL": plain, "TRADEWIND_LOG_LEVEL": "WARNING"}
    commands = ["cli", "serve", "--port", str(ours)], ["benchmarks.bare", plain, str(bare)]
    started = [subprocess.Popen([sys.executable, "-m", *words], env=environment) for words in commands]
    try:
        for port in (ours, bare):
            _wait(port)
            _ask(port, seconds=1.0, connections=CONNECTIONS)
        yield ours, bare, psutil.Process(started[0].pid)
    finally:
        for process in started:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(port)
