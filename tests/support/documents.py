"""The statements of the documents, in a form that tests can check."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import typer

from cli.app import make_app

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# $'two\nlines', as bash has it.
QUOTED = re.compile(r"\$'((?:[^'\\]|\\.)*)'")
ROW = re.compile(r"^\| *`([^`]+)` *\| *(.*?) *\|", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """A fenced block of a document: its language and its text."""

    language: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command of a shell block; backslashes and open quotations continue a line."""
        if self.language not in ("sh", "bash"):
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in _joined(lines) if (words := shlex.split(line, comments=True))]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[Section]:
    return [Section(*found.groups()) for found in FENCE.finditer(text(name))]


def documents() -> list[str]:
    """Every document with commands or requests in it."""
    return sorted(name for name in repository_files() if name.endswith(".md") and FENCE.search(text(name)))


def table_rows(section: str) -> dict[str, str]:
    """The second cell by the first of every table row whose first cell is code."""
    return dict(ROW.findall(section))


def repository_files() -> list[str]:
    """Every file that is part of the repository, or would be if all were added."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@lru_cache(maxsize=1)
def tradewind_command() -> Any:
    """The command `tradewind` with all its commands, built once."""
    return typer.main.get_command(make_app())


def parse_command(words: list[str]) -> str:
    """The name of the command that `tradewind` with these words would run; it is not run.

    Raises:
        typer.Exit, click's UsageError as typer has it: there is no such command, or it does not take these words.
    """
    command, name = tradewind_command(), "tradewind"
    while isinstance(command, typer.core.TyperGroup):
        assert words, f"{name} needs a command"
        assert words[0] in command.commands, f"{name} has no command {words[0]}"
        command, name, words = command.commands[words[0]], f"{name} {words[0]}", words[1:]
    command.make_context(name, list(words))
    return name


def _joined(lines: list[str]) -> Iterator[str]:
    """Commands, each with the lines that its open quotation includes."""
    pending = ""
    for line in lines:
        pending += QUOTED.sub(_unescaped, line)
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            pending += "\n"
        else:
            yield pending
            pending = ""
    assert not pending, f"open quotation: {pending}"


def _unescaped(found: re.Match[str]) -> str:
    return shlex.quote(found.group(1).encode().decode("unicode_escape"))
