"""Some faults of `make chaos`: the service heals by itself, nothing acknowledged is lost, nothing is half published."""

import random
from pathlib import Path

from benchmarks.chaos.damage import Damage
from benchmarks.chaos.faults import inflict
from benchmarks.chaos.service import service

LIMIT = 300.0
"""Seconds until the service must be healthy: tests share the machine with others."""
FAULTS = ("scheduler killed", "PostgreSQL killed", "API killed", "import killed")


def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    # The database server may not run as root, and has to reach its directory.
    tmp_path.chmod(0o711)
    random.seed(2)
    with service(tmp_path / "data") as world:
        results = [inflict(world, name, limit=LIMIT) for name in FAULTS]
        assert world.client.observations
    assert [(result.fault, result.damage) for result in results] == [(name, Damage(0, 0)) for name in FAULTS]
    assert [result.fault for result in results if result.seconds is None] == []
