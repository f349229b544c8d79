"""Backup, restore, upgrade and rollback work as the manual prints them, on an embedded server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT, blocks

PRELUDE = f'set -euo pipefail\ntradewind() {{ "{sys.executable}" -m cli "$@"; }}\npip() {{ :; }}\n'


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A script in a folder whose `data` is the data directory; `pip` does nothing, for there is one release here."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("TRADEWIND_DATA_DIR", None)
    command = ["bash", "-c", PRELUDE + script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run(script: str, folder: Path) -> str:
    ran = shell(script, folder)
    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def keys(folder: Path) -> set[str]:
    """Names of the keys in the database, of those that a test makes."""
    listed = run("tradewind key list", folder)
    return {name for name in ("before", "after", "mistake") if name in listed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # The database server may not run as root, and has to reach its directory.
    tmp_path.chmod(0o711)
    return tmp_path


def test_the_commands_of_the_manual_bring_everything_back(folder: Path) -> None:
    scripts = [block.text for block in blocks("docs/operations/database.md") if block.language == "sh"]
    backup, restore, upgrade, rollback = (text for text in scripts if "docker" not in text and "prune" not in text)
    run("tradewind migrate; tradewind key create before --scope read", folder)
    run(backup, folder)
    run("tradewind key create after --scope read", folder)
    run(restore, folder)
    assert keys(folder) == {"before"}
    run(upgrade, folder)
    run("tradewind key create mistake --scope read", folder)
    assert keys(folder) == {"before", "mistake"}
    run(rollback, folder)
    assert keys(folder) == {"before"}


def test_a_backup_is_not_restored_over_data_and_a_bad_file_leaves_nothing(folder: Path) -> None:
    run("tradewind migrate; tradewind backup all.dump", folder)
    refused = shell("tradewind restore all.dump", folder)
    assert (refused.returncode, "restore into an empty one" in refused.stderr) == (2, True)
    run("head -c 20000 all.dump > half.dump; mv data other", folder)
    broken = shell("tradewind restore half.dump", folder)
    assert (broken.returncode, "pg_restore failed" in broken.stderr) == (2, True)
    run("tradewind restore all.dump", folder)
