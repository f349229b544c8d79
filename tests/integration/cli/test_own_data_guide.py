"""The guide to your own country prints the output of its commands."""

import subprocess
import sys
from pathlib import Path

from tests.integration.cli.test_cli import tradewind
from tests.support.documents import blocks

GUIDE = "docs/own-data.md"


def test_the_commands_of_the_guide_print_what_it_shows(own_url: str, tmp_path: Path) -> None:
    sections = blocks(GUIDE)
    script = next(section.text for section in sections if section.language == "python")
    shown = [section.text for section in sections if section.language == ""]
    commands = [words[1:] for section in sections for words in section.commands]
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "vietnam.csv").read_text().startswith(shown[0])
    first, dry_run = [words for words in commands if words[:2] == ["ingest", "file"]]
    database = {"TRADEWIND_DATABASE_URL": own_url}
    unclear = tradewind(*first, cwd=tmp_path, **database)
    assert (unclear.returncode, unclear.stderr.split()) == (2, shown[1].split())
    ambiguous = tradewind(*dry_run, cwd=tmp_path, **database)
    assert (ambiguous.returncode, ambiguous.stderr.startswith(shown[2].split("; row")[0])) == (2, True)
    checked = tradewind(*dry_run, "--decimal", ",", cwd=tmp_path, **database)
    assert (checked.returncode, checked.stdout) == (0, shown[3])
    dry_run.remove("--dry-run")
    stored = tradewind(*dry_run, "--decimal", ",", cwd=tmp_path, **database)
    assert stored.stdout.splitlines()[-1] == "VN_TRADE: 480 observations stored, 0 already stored"
    run = next(words for words in commands if words[0] == "run")
    assert tradewind(*run, cwd=tmp_path, **database).stdout == "VN_TRADE: run 1 published\n"
    ask_words = next(words for words in commands if words[0] == "ask")
    assert tradewind(*ask_words, cwd=tmp_path, **database).stdout.startswith(
        "VN_TRADE.X.CHN.TOTAL, USD bn, run 1, data to 2025-12"
    )
