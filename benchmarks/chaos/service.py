"""The service under test: two APIs and two schedulers that share an embedded PostgreSQL server, and a client.

A process that has ended is started again after a second, as a container platform does. The client writes observations
and requests runs throughout, and remembers the acknowledged ones.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import psutil
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.execution.process_supervisor import free_port
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from store.queries import api_keys

START_SECONDS = 300.0
RESTART_SECONDS = 1.0
MONTHS, HORIZON = 60, 3
QUICK = {
    "TRADEWIND_FORECASTERS": "naive,seasonal_naive",
    "TRADEWIND_FOLDS": "2",
    "TRADEWIND_HORIZON": str(HORIZON),
    "TRADEWIND_WORKERS": "1",
    "TRADEWIND_TICK_SECONDS": "2",
    "TRADEWIND_LOG_LEVEL": "ERROR",
}
PARTNERS = {"USA": 100.0, "DEU": 100.0, "WLD": 300.0}
"""The partners and the size of their series."""
FIRST_VINTAGE = date(2025, 2, 1)
INGEST = ("ingest", "file", "{table}", "--dataset", "CHAOS", "--backfill")
NEW = ("--create", "--title", "Made up", "--publisher", "nobody", "--licence", "none")


class Keeper:
    """Keeps processes of `tradewind` running: one that has ended is started again."""

    def __init__(self, commands: Sequence[Sequence[str]], environment: dict[str, str]) -> None:
        self.commands, self.environment = commands, environment
        self.processes = [self._start(command) for command in commands]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", "cli", *command]
        return subprocess.Popen(program, env=self.environment, stderr=subprocess.DEVNULL)

    def _keep(self) -> None:
        while not self._ended.wait(RESTART_SECONDS):
            for place, process in enumerate(self.processes):
                if process.poll() is not None:
                    self.processes[place] = self._start(self.commands[place])

    def alive(self) -> bool:
        """Whether every process runs."""
        return all(process.poll() is None for process in self.processes)

    def stop(self) -> None:
        """Stop all of them."""
        self._ended.set()
        self._thread.join()
        for process in self.processes:
            process.kill()
            process.wait()


@dataclass
class Client:
    """Writes observations and requests runs until it is stopped, and remembers acknowledged ones."""

    addresses: Sequence[str]
    key: str
    observations: dict[date, float] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    last_write: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """One write after another, each with a vintage of its own, to the APIs in turn."""
        vintage = FIRST_VINTAGE
        for turn in range(10**6):
            if self.stopped.wait(0.3):
                return
            vintage += timedelta(days=1)
            with suppress(httpx.HTTPError):
                self._write(self.addresses[turn % len(self.addresses)], vintage, round(100.0 + turn / 1000, 3))
                if turn % 10 == 0:
                    self._request(self.addresses[turn % len(self.addresses)])

    def _write(self, address: str, vintage: date, value: float) -> None:
        table = f"month,flow,partner,sector,value,vintage\n2024-12,X,USA,TOTAL,{value},{vintage}\n"
        answer = self._post(f"{address}/v1/datasets/CHAOS/observations", table, "text/csv")
        if answer.status_code == 201:
            self.observations[vintage], self.last_write = value, time.monotonic()

    def _request(self, address: str) -> None:
        answer = self._post(f"{address}/v1/runs", '{"dataset": "CHAOS"}', "application/json")
        if answer.status_code == 202:
            self.runs.append(answer.json()["id"])

    def _post(self, url: str, body: str, media: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": media}
        return httpx.post(url, content=body, headers=headers, timeout=10)


@dataclass
class World:
    """The service under test, and the folder of its database."""

    engine: Engine
    folder: Path
    keeper: Keeper
    client: Client
    environment: dict[str, str]

    def postmaster(self) -> psutil.Process:
        """The server process of PostgreSQL."""
        return psutil.Process(int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]))

    def process(self, command: str) -> subprocess.Popen[bytes]:
        """A process of the command, at random."""
        places = [place for place, words in enumerate(self.keeper.commands) if words[0] == command]
        return self.keeper.processes[random.choice(places)]

    def healthy_since(self, moment: float) -> bool:
        """Whether every process runs, every API serves forecasts, and a write made after a moment was acknowledged."""
        if not self.keeper.alive() or self.client.last_write < moment:
            return False
        addresses = [f"{address}/v1/datasets/CHAOS/forecasts" for address in self.client.addresses]
        with suppress(httpx.HTTPError):
            return all(httpx.get(address, timeout=5).status_code == 200 for address in addresses)
        return False


@contextmanager
def service(folder: Path) -> Iterator[World]:
    """Two APIs and two schedulers on a dataset of three series, working."""
    with ExitStack() as stack:
        url = stack.enter_context(embedded_postgres.start(folder))
        engine = make_engine(url)
        stack.callback(engine.dispose)
        environment = {**os.environ, **QUICK, "TRADEWIND_DATABASE_URL": url}
        key = _fill_database(engine, _write_table(folder.parent / "table.csv"), environment)
        ports = [free_port("127.0.0.1", 0) for _ in range(2)]
        commands = [["serve", "--port", str(port)] for port in ports] + [["schedule"]] * 2
        keeper = Keeper(commands, environment)
        stack.callback(keeper.stop)
        client = Client([f"http://127.0.0.1:{port}" for port in ports], key)
        thread = threading.Thread(target=client.work, daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(client.stopped.set)
        world = World(engine, folder, keeper, client, environment)
        _wait_until_healthy(world)
        yield world


def _fill_database(engine: Engine, table: Path, environment: dict[str, str]) -> str:
    """Migrate the database, import the table as a new dataset, and return a key that may write."""
    migrate(engine)
    with Session(engine) as session:
        key = api_keys.create(session, name="chaos", scopes=["write", "publish"], now=datetime.now(UTC))
        session.commit()
    words = [word.format(table=table) for word in (*INGEST, *NEW)]
    subprocess.run([sys.executable, "-m", "cli", *words], env=environment, check=True, stdout=subprocess.DEVNULL)
    return key


def _wait_until_healthy(world: World) -> None:
    began = time.monotonic()
    while not world.healthy_since(began):
        if time.monotonic() - began > START_SECONDS:
            raise TimeoutError("the service did not start")
        time.sleep(0.5)


def _write_table(path: Path) -> Path:
    draw = random.Random(1)
    lines = ["month,flow,partner,sector,value"]
    for month in range(MONTHS):
        when = f"{2020 + month // 12}-{month % 12 + 1:02}"
        for partner, size in PARTNERS.items():
            lines.append(f"{when},X,{partner},TOTAL,{size * draw.uniform(0.9, 1.1):.3f}")
    path.write_text("\n".join(lines) + "\n")
    return path
