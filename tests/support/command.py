"""The command `tradewind`, each time in a process of its own, forked from one that has loaded its packages."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from socketserver import StreamRequestHandler, UnixStreamServer
from threading import Thread

from cli.app import main

PRELOADED = [
    *("cli.app", "api.app", "jobs.file_forecasts", "jobs.ingestion.fetch", "jobs.logging", "jobs.runs.forecast_run"),
    *("store.embedded_postgres", "tests.support.mapped_tables", "tradewind.client"),
]
SECONDS = 120.0
# The program of the shell function `tradewind`: it sends its words and prints the answer.
SENDER = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server, server.makefile("rw") as stream:
    server.connect(sys.argv[1])
    print(json.dumps([sys.argv[2:], dict(os.environ), os.getcwd()]), file=stream, flush=True)
    code, stdout, stderr = json.loads(stream.readline())
print(stdout, end="")
print(stderr, end="", file=sys.stderr)
sys.exit(code)
"""


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


@contextmanager
def shell_function() -> Iterator[str]:
    """The definition of a shell function `tradewind` that runs the command by `run_command`."""
    with tempfile.TemporaryDirectory() as directory:
        address = f"{directory}/commands"
        with UnixStreamServer(address, _Commands) as server:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
            try:
                yield f'tradewind() {{ {shlex.join([sys.executable, "-S", "-c", SENDER, address])} "$@"; }}\n'
            finally:
                server.shutdown()


class _Commands(StreamRequestHandler):
    def handle(self) -> None:
        words, environment, folder = json.loads(self.rfile.readline())
        done = run_command(words, environment, Path(folder))
        self.wfile.write(json.dumps([done.returncode, done.stdout, done.stderr]).encode() + b"\n")


def _run(words: list[str], environment: dict[str, str], folder: Path, outputs: list[Path]) -> None:
    """Become the command, with its output in files."""
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["tradewind", *words]
    main()
