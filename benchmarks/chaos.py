"""`python -m benchmarks.chaos`: faults and kills at random moments while a small service works.

Two APIs and two schedulers share an embedded PostgreSQL server. A process that has ended is started again after a
second, as a container platform does. A client writes observations and requests runs throughout, and counts the
acknowledged ones. After each fault the service has HEALTHY_SECONDS to run every process, serve and write again by
itself; then nothing acknowledged may be lost and no run half published.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from jobs.execution.process_supervisor import free_port
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from store.queries import api_keys

HEALTHY_SECONDS = 60.0
RESTART_SECONDS = 1.0
FROZEN_SECONDS = 8.0
MONTHS, HORIZON, QUANTILES = 60, 3, 9
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


class Damage(NamedTuple):
    """Numbers of lost acknowledged writes, and of runs of which a part is published."""

    lost: int
    half_published: int


Fault = Callable[[World], None]


def kill_api(world: World) -> None:
    """Kill -9 of an API."""
    world.process("serve").kill()


def kill_scheduler(world: World) -> None:
    """Kill -9 of a scheduler, often during a run."""
    world.process("schedule").kill()


def kill_worker(world: World) -> None:
    """Kill -9 of a process that fits series."""
    for process in world.keeper.processes:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children():
                child.kill()


def kill_database(world: World) -> None:
    """Kill -9 of PostgreSQL's server process."""
    world.postmaster().kill()


def kill_backend(world: World) -> None:
    """Kill -9 of one connection's process, after which PostgreSQL ends all others and recovers."""
    with suppress(psutil.NoSuchProcess):
        backends = [child for child in world.postmaster().children() if "idle" in " ".join(child.cmdline())]
        random.choice(backends or world.postmaster().children()).kill()


def freeze_database(world: World) -> None:
    """PostgreSQL does not answer for FROZEN_SECONDS."""
    frozen = [world.postmaster(), *world.postmaster().children()]
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(FROZEN_SECONDS)
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def kill_ingest(world: World) -> None:
    """Kill -9 of an import of a table, within its first three seconds."""
    table = world.folder.parent / "table.csv"
    command = [sys.executable, "-m", "cli", *(word.format(table=table) for word in INGEST)]
    process = subprocess.Popen(command, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0.5, 3.0))
    process.kill()
    process.wait()


def fill_disk(world: World) -> None:
    """The disk of the database is full for FROZEN_SECONDS."""
    ballast = world.folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1_000_000))
    time.sleep(FROZEN_SECONDS)
    ballast.unlink()


FAULTS: dict[str, Fault] = {
    "API killed": kill_api,
    "scheduler killed": kill_scheduler,
    "worker of a run killed": kill_worker,
    "PostgreSQL killed": kill_database,
    "connection killed": kill_backend,
    "PostgreSQL frozen": freeze_database,
    "import killed": kill_ingest,
    "disk full and freed": fill_disk,
}


class Result(NamedTuple):
    """A fault, the seconds until the service was healthy again (None: it was not), and the damage."""

    fault: str
    seconds: float | None
    damage: Damage


def inflict(world: World, name: str, *, limit: float = HEALTHY_SECONDS) -> Result:
    """Cause a fault at a random moment, wait for health, and look for damage."""
    time.sleep(random.uniform(0.0, 3.0))
    FAULTS[name](world)
    began = time.monotonic()
    while time.monotonic() - began < limit:
        if world.healthy_since(began):
            return Result(name, time.monotonic() - began, find_damage(world))
        time.sleep(0.2)
    return Result(name, None, find_damage(world))


def find_damage(world: World) -> Damage:
    """Compare the database, which may still recover, with the acknowledged writes."""
    for _ in range(20):
        try:
            with world.engine.connect() as connection:
                return _damage(connection, dict(world.client.observations), list(world.client.runs))
        except OperationalError:
            time.sleep(0.5)
    return Damage(len(world.client.observations), 0)


def _damage(connection: sa.Connection, observations: dict[date, float], runs: Sequence[int]) -> Damage:
    query = sa.text(
        "SELECT o.vintage, o.value FROM observation o JOIN series s ON s.id = o.series_id AND s.partner = 'USA'"
    )
    stored = {row.vintage: row.value for row in connection.execute(query)}
    lost = sum(stored.get(vintage) != value for vintage, value in observations.items())
    known = set(connection.scalars(sa.text("SELECT id FROM run")))
    lost += len(set(runs) - known)
    given = {"series": len(PARTNERS), "horizon": HORIZON, "quantiles": QUANTILES}
    return Damage(lost, connection.execute(_HALF_PUBLISHED, given).scalar_one())


_HALF_PUBLISHED = sa.text("""
    SELECT count(*) FROM (
        SELECT r.status, (SELECT count(*) FROM forecast f WHERE f.run_id = r.id) AS months,
               (SELECT count(*) FROM forecast_quantile q, unnest(q.values) WHERE q.run_id = r.id) AS quantiles,
               (SELECT count(*) FROM forecast_path p WHERE p.run_id = r.id) AS paths
        FROM run r
    ) AS written
    WHERE ARRAY[months, quantiles, paths] <> CASE status
        WHEN 'published' THEN ARRAY[:series * :horizon, :series * :horizon * :quantiles, :series]::bigint[]
        ELSE ARRAY[0, 0, 0]::bigint[] END
""")


@contextmanager
def service(folder: Path) -> Iterator[World]:
    """Two APIs and two schedulers on a dataset of three series, working."""
    with ExitStack() as stack:
        url = stack.enter_context(embedded_postgres.start(folder))
        engine = make_engine(url)
        stack.callback(engine.dispose)
        migrate(engine)
        with Session(engine) as session:
            key = api_keys.create(session, name="chaos", scopes=["write", "publish"], now=datetime.now(UTC))
            session.commit()
        environment = {**os.environ, **QUICK, "TRADEWIND_DATABASE_URL": url}
        table = _write_table(folder.parent / "table.csv")
        words = [word.format(table=table) for word in (*INGEST, *NEW)]
        subprocess.run([sys.executable, "-m", "cli", *words], env=environment, check=True, stdout=subprocess.DEVNULL)
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
        began = time.monotonic()
        while not world.healthy_since(began):
            if time.monotonic() - began > 5 * HEALTHY_SECONDS:
                raise TimeoutError("the service did not start")
            time.sleep(0.5)
        yield world


def _write_table(path: Path) -> Path:
    draw = random.Random(1)
    lines = ["month,flow,partner,sector,value"]
    for month in range(MONTHS):
        when = f"{2020 + month // 12}-{month % 12 + 1:02}"
        for partner, size in PARTNERS.items():
            lines.append(f"{when},X,{partner},TOTAL,{size * draw.uniform(0.9, 1.1):.3f}")
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """A folder on a file system of 600 MB; None where this process may not mount one."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        mount = ["mount", "-t", "tmpfs", "-o", "size=600m,mode=0711", "tmpfs", directory]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            yield None
            return
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", "--lazy", directory], check=False)


def table(results: Sequence[Result]) -> str:
    """The results by fault, as Markdown."""
    lines = [
        "| fault | times | healthy again after, at most | acknowledged and lost | half published |",
        "|---|---|---|---|---|",
    ]
    for name in FAULTS:
        mine = [result for result in results if result.fault == name]
        if not mine:
            lines.append(f"| {name} | 0 | needs the right to mount a file system | | |")
            continue
        seconds = [result.seconds for result in mine]
        known = [second for second in seconds if second is not None]
        longest = f"{max(known):.0f} s" if len(known) == len(seconds) else f"not within {HEALTHY_SECONDS:.0f} s"
        damage = [max(result.damage[place] for result in mine) for place in range(2)]
        lines.append(f"| {name} | {len(mine)} | {longest} | {damage[0]} | {damage[1]} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Inflict faults in random order and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="faults in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    random.seed(given.seed)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        folder = (disk or Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))) / "data"
        folder.parent.chmod(0o711)
        names = [name for name in FAULTS if disk is not None or name != "disk full and freed"]
        order = [names[place % len(names)] for place in range(given.kills)]
        random.shuffle(order)
        world = stack.enter_context(service(folder))
        results = []
        for name in order:
            results.append(inflict(world, name))
            print(results[-1], file=sys.stderr)
        writes, runs = len(world.client.observations), len(world.client.runs)
    count = f"{len(results)} faults at random moments, {writes} acknowledged writes and {runs} requested runs"
    text = f"# Faults while the service works\n\n`make chaos`: {count}.\n\n{table(results)}"
    print(text)
    if given.output:
        given.output.write_text(text)
    sys.exit(any(result.seconds is None or any(result.damage) for result in results))


if __name__ == "__main__":
    main()
