"""`python -m tests.support.fuzzing`: schemathesis on the served API, all operations, without a key and with one."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine

from api.app import create_app
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from tests.integration.api.conftest import World, build_world, options
from tests.support.web_service import served

CHECKS = Path(__file__).with_name("fuzz_checks.py")
# It demands 200 for any request that satisfies the schema; our own check replaces it.
EXCLUDED = "positive_data_acceptance"


def fuzz(
    engine: Engine,
    world: World,
    *,
    examples: int,
    keyed: bool,
    phases: str = "examples,coverage,fuzzing",
    arguments: Sequence[str] = (),
) -> int:
    """The exit code of schemathesis, 0 without any failure."""
    key = ["--header", f"Authorization: Bearer {world.keys['write']}"] if keyed else []
    application = create_app(engine=engine, options=options())
    # Made once, before the first request waits for it.
    application.openapi()
    with served(application) as address:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
            *("--checks", "all", "--exclude-checks", EXCLUDED, "--continue-on-failure"),
            *("--request-timeout", "60"),
            *("--max-examples", str(examples), "--phases", phases),
            *("--generation-deterministic", "--no-color", *key, *arguments),
        ]
        return subprocess.run(command, env={**os.environ, "SCHEMATHESIS_HOOKS": str(CHECKS)}, check=False).returncode


def main() -> None:
    """Fuzz a small world of its own and end with schemathesis' exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="requests of each operation and phase")
    parser.add_argument("arguments", nargs="*", help="further arguments of schemathesis, after --")
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        url = stack.enter_context(embedded_postgres.start(Path(directory), durable=False))
        engine = make_engine(url, pool_size=6, autocommit=True)
        stack.callback(engine.dispose)
        migrate(engine)
        world = build_world(engine)
        terms = {"examples": given.examples, "arguments": given.arguments}
        codes = [fuzz(engine, world, keyed=keyed, **terms) for keyed in (False, True)]
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
