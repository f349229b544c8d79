"""The tutorial works as printed: every block runs, in order, against a service that `tradewind up` has started."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.e2e.test_up import QUICK, Service, up
from tests.support.command import shell_function
from tests.support.documents import ROOT, Section, blocks

# The reader's shell has the command and the address of the service.
PRELUDE = "set -euo pipefail\n"
OWN = (". .venv/bin/activate", "export TRADEWIND=")


def run(block: Section, folder: Path, environment: dict[str, str], tradewind: str) -> str:
    """The output of a block of the tutorial."""
    if block.language == "python":
        command = [sys.executable, "-c", block.text]
    else:
        lines = [line for line in block.text.splitlines() if not line.startswith(OWN)]
        command = ["bash", "-c", PRELUDE + tradewind + "\n".join(lines)]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{block.text}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@contextmanager
def scheduler_suspended(service: Service) -> Iterator[None]:
    """Suspend the scheduler of a service that answers, so that the run of the tutorial is the only one."""
    assert service.get("/live")
    (scheduler,) = (child for child in psutil.Process(service.process.pid).children() if "schedule" in child.cmdline())
    scheduler.suspend()
    try:
        yield
    finally:
        scheduler.resume()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tutorial_leads_from_a_file_to_a_served_forecast(tmp_path: Path) -> None:
    runnable = [block for block in blocks("docs/tutorial.md") if block.language in ("bash", "python")]
    # The database server may not run as root, and has to reach its directory.
    tmp_path.chmod(0o711)
    with up(tmp_path / "data") as service, scheduler_suspended(service), shell_function() as tradewind:
        environment = {
            **os.environ,
            **QUICK,
            "TRADEWIND": service.address,
            "TRADEWIND_DATA_DIR": str(tmp_path / "data"),
            "PYTHONPATH": str(ROOT),
        }
        outputs = {block.text: run(block, tmp_path, environment, tradewind) for block in runnable}
        (read,) = (output for text, output in outputs.items() if "horizon=6" in text)
        csv, rest = read.split("\n{", 1)
        answer, _ = json.JSONDecoder().raw_decode("{" + rest)
        assert len(pd.read_csv(StringIO(csv))) == 6
        assert answer["series"][0]["unique_id"] == "MY_EV.X.DEU.EV"
        assert service.get("/v1/runs?dataset=MY_EV&status=published")["total"] == 1
