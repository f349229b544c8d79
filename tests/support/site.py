"""The documentation site, built as `make docs` builds it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT


def build_site(folder: Path) -> Path:
    """The built site in a folder; a warning is an error."""
    pytest.importorskip("zensical", reason="zensical is not installed: make .venv with the extra docs")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "api" / "site"
