"""The API beside a bare handler running the same SQL, in alternating rounds, over the same database."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median

import psutil

from benchmarks.load import Load, load

PLAIN = "/v1/datasets/CN_CLEANTECH/forecasts?flow=X&partner=USA&sector=EV"
FROM_PATHS = {"growth of a year": "&frequency=A&units=pc1", "another level": "&level=70"}
WHOLE = "/v1/datasets/CN_CLEANTECH/forecasts?format=csv&limit=1000"
CONNECTIONS, ROUNDS = 8, 9


def measure_serving(url: str, *, seconds: float) -> list[tuple[str, str, str]]:
    """Rows of the quantity, the figure and the target. First answers are those of a service without its cache."""
    with _service(url, cache=True) as (cached, process), _service(url, cache=False) as (first, _), _bare(url) as bare:
        load_of = partial(_load, seconds=seconds)
        tag = f"If-None-Match: {_tag(first)}\r\n"
        many = [_alternating(load_of, (cached, first, bare), connections=CONNECTIONS) for _ in range(ROUNDS)]
        alone = [_alternating(load_of, (cached, first, bare), connections=1) for _ in range(ROUNDS)]
        rows = []
        for place, (name, target) in enumerate((("repeated", ">= 2.0"), ("first", ">= 0.45"))):
            both, single = ([(loads[place], loads[2]) for loads in rounds] for rounds in (many, alone))
            rows += [
                _pair(f"throughput, {name} answer, {CONNECTIONS} connections, over bare", both, "rate", "/s", target),
                _pair(f"median latency, {name} answer, 1 connection, over bare", single, "median", "ms", ""),
            ]
        known = median(load_of(first, headers=tag, status=304).median for _ in range(ROUNDS))
        rows.append(("304 for a client that is up to date, median", f"{known:.2f} ms", "< 2 ms"))
        for name, more in FROM_PATHS.items():
            pairs = [(load_of(first, PLAIN + more), load_of(first)) for _ in range(ROUNDS)]
            rows.append(_pair(f"{name} from joint paths, over a plain forecast", pairs, "median", "ms", "<= 2"))
        return [*rows, _streamed(cached, process)]


def _alternating(load_of: Callable[..., Load], ports: Sequence[int], *, connections: int) -> list[Load]:
    return [load_of(port, connections=connections) for port in ports]


def _pair(name: str, pairs: list[tuple[Load, Load]], field: str, unit: str, target: str) -> tuple[str, str, str]:
    """The median of the ratios of rounds measured in turn."""
    both = [(getattr(own, field), getattr(other, field)) for own, other in pairs]
    ratio = median(own / other for own, other in both)
    mine, theirs = (median(side) for side in zip(*both, strict=True))
    return name, f"{ratio:.2f} ({mine:.1f} and {theirs:.1f} {unit})", target


def _streamed(port: int, process: psutil.Process) -> tuple[str, str, str]:
    """Memory that a whole dataset as CSV adds to the service at the second request."""
    size = _load(port, WHOLE, seconds=0.1).size
    before = process.memory_info().rss
    _load(port, WHOLE, seconds=2.0)
    grown = max(process.memory_info().rss - before, 0) / 1e6
    return "memory added by a whole dataset as CSV", f"{grown:.1f} MB for {size / 1e6:.1f} MB sent", "constant"


def _load(
    port: int, path: str = PLAIN, *, seconds: float, connections: int = 1, headers: str = "", status: int = 200
) -> Load:
    return load(port, path, connections=connections, seconds=seconds, headers=headers, status=status)


def _tag(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{PLAIN}") as answer:
        return str(answer.headers["ETag"])


@contextmanager
def _service(url: str, *, cache: bool) -> Iterator[tuple[int, psutil.Process]]:
    """The API's port and process, with its cache of answers or without."""
    port = _free_port()
    environment = {"TRADEWIND_DATABASE_URL": _plain(url), "TRADEWIND_LOG_LEVEL": "WARNING"}
    environment |= {} if cache else {"TRADEWIND_ANSWER_CACHE_MB": "0"}
    with _process(["cli", "serve", "--port", str(port)], port, environment) as number:
        yield port, psutil.Process(number)


@contextmanager
def _bare(url: str) -> Iterator[int]:
    """The port of the bare peer."""
    port = _free_port()
    with _process(["benchmarks.bare", _plain(url), str(port)], port, {}):
        yield port


@contextmanager
def _process(words: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """The process number of a server that has answered its first requests."""
    started = subprocess.Popen([sys.executable, "-m", *words], env={**os.environ, **environment})
    try:
        _wait(port)
        _load(port, seconds=1.0, connections=CONNECTIONS)
        yield started.pid
    finally:
        started.terminate()
        started.wait()


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


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
