"""The faults: kills of each kind of process, a frozen database, an interrupted import and a full disk.

After each fault the service has HEALTHY_SECONDS to run every process, serve and write again by itself; then nothing
acknowledged may be lost and no run half published.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.chaos.damage import Damage, find_damage
from benchmarks.chaos.service import INGEST, World

HEALTHY_SECONDS = 60.0
FROZEN_SECONDS = 8.0
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
