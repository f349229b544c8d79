"""`python -m benchmarks.chaos`: inflict faults in random order on a working service, and write the table."""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.chaos.faults import FAULTS, HEALTHY_SECONDS, Result, inflict, small_disk
from benchmarks.chaos.service import service


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
