"""Output of commands: results on standard output, warnings and errors on standard error."""

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

MOST_SUGGESTIONS = 12


def say(*lines: str) -> None:
    """Print lines of a result."""
    typer.echo("\n".join(lines))


def warn(line: str) -> None:
    """Print a warning on standard error."""
    typer.echo(f"tradewind: {line}", err=True)


def stop(line: str, code: int) -> NoReturn:
    """Print a reason on standard error and exit with a code."""
    warn(line)
    sys.exit(code)


def is_terminal() -> bool:
    """Whether a person can be asked: input and the messages are those of a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, suggestions: Sequence[str]) -> str:
    """The answer of the person at the terminal; one suggestion alone is taken by the return key."""
    if len(suggestions) > 1:
        typer.echo(f"  {', '.join(suggestions[:MOST_SUGGESTIONS])}", err=True)
    default = suggestions[0] if len(suggestions) == 1 else None
    return str(typer.prompt(question, default=default, err=True)).strip()
