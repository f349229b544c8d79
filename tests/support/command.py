"""The command `tradewind`, each time in a process of its own, forked from one that has loaded its packages."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

from cli.app import main

PRELOADED = [
    *("cli.app", "api.app", "jobs.file_forecasts", "jobs.ingestion.fetch", "jobs.logging", "jobs.runs.forecast_run"),
    *("store.embedded_postgres", "tests.support.mapped_tables", "tradewind.client"),
]
SECONDS = 120.0


def run_command(
    words: Sequence[str], environment: Mapping[str, str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    """The exit code and output of the command, run in a folder with an environment."""
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as directory:
        outputs = [Path(directory) / name for name in ("stdout", "stderr")]
        process = context.Process(target=_run, args=(list(words), dict(environment), folder, outputs))
        process.start()
        process.join(SECONDS)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(list(words), SECONDS)
        stdout, stderr = (output.read_text(encoding="utf-8") for output in outputs)
    return subprocess.CompletedProcess(list(words), process.exitcode or 0, stdout, stderr)


def _run(words: list[str], environment: dict[str, str], folder: Path, outputs: list[Path]) -> None:
    """Become the command, with its output in files."""
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["tradewind", *words]
    main()
