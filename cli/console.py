"""What a command says: results on standard output, warnings and faults on standard error."""

import sys
from typing import NoReturn

import typer


def say(*lines: str) -> None:
    """Lines of a result."""
    typer.echo("\n".join(lines))


def warn(line: str) -> None:
    """A line beside the result, under our name."""
    typer.echo(f"tradewind: {line}", err=True)


def stop(line: str, code: int) -> NoReturn:
    """Say why in one line, and end with an exit code."""
    warn(line)
    sys.exit(code)
