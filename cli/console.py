"""Output of commands: results on standard output, warnings and errors on standard error."""

import sys
from typing import NoReturn

import typer


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
